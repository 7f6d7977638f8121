"""How far back usage can be asked about: a longer window would silently see less than it says."""

from __future__ import annotations

from django.conf import settings

FOR_EVER = 3653
"""Days; nobody asks about more than ten years."""


def events_days() -> int:
    return settings.RETENTION_DAYS["usage_events"] or FOR_EVER


def daily_days() -> int:
    return settings.RETENTION_DAYS["usage_daily"] or FOR_EVER
