"""When a gate lets messages go, in the contact's own time."""

from __future__ import annotations

import functools
from datetime import datetime, time
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings

from orchestrator.engine import timing

ALWAYS = "always"


def zone_of(*, contact_zone: str, account_zone: str) -> str:
    """The contact's zone, else the account's, else UTC; a name that no longer exists counts as none."""
    return next((name for name in (contact_zone, account_zone) if name and _is_known(name)), "UTC")


def next_open(*, at: datetime, start: time | None, end: time | None, zone: str) -> datetime:
    """The first instant ≥ `at` at which the window is open in the zone; `at` itself when there is none."""
    if start is None or end is None or settings.CAMPAIGN_WINDOW == ALWAYS:
        return at
    return timing.next_allowed(at=at, window=timing.SendWindow(start, end), zones=[zone])


@functools.cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def _is_known(name: str) -> bool:
    if name in _zone_names():
        return True
    try:
        ZoneInfo(name)
    except (OSError, ValueError):
        return False
    return True
