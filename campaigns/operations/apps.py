from __future__ import annotations

from django.apps import AppConfig
from django.db.models import Field, ForeignObject
from django.utils.translation import gettext_lazy as _

from campaigns.operations.arrays import AnyOf


class OperationsConfig(AppConfig):
    name = "campaigns.operations"
    label = "operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        for kind in (Field, ForeignObject):
            kind.register_lookup(AnyOf)
