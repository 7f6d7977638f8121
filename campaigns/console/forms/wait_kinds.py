"""The three things a WAIT may wait for, and which of them a step does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from campaigns.console import step_tree

LENGTH, LOCAL, ASKS = "length", "time", "event"


def choices() -> list[tuple[str, str]]:
    return [(LENGTH, _("So long")), (LOCAL, _("Until a time of day")), (ASKS, _("Until something happens"))]


def kind_of(step: Mapping[str, Any], asked: str = "") -> str:
    """As asked for, else as it is."""
    if asked in (LENGTH, LOCAL, ASKS):
        return asked
    if step_tree.is_asking(step):
        return ASKS
    return LOCAL if "until" in step else LENGTH
