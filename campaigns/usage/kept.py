"""How far back usage can be asked about: a longer window would silently see less than it says."""

from __future__ import annotations

EVENTS_DAYS = 761  # two years and a month
DAILY_DAYS = 1126  # three years and a month
