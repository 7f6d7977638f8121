"""Migrations of what models and fields are called. Nothing in the database depends on it."""

from __future__ import annotations

from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.state import ProjectState


class ChangeNames(SeparateDatabaseAndState):
    """Many AlterField and AlterModelOptions that change names, labels and help texts only: no SQL.

    Models that were rendered for earlier operations are dropped first and rendered again when an operation needs
    them; otherwise each of the hundreds of changes would render its model and all that point to it.
    """

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        state.__dict__.pop("apps", None)
        super().state_forwards(app_label, state)
