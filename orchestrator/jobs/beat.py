"""Which ticks of the timetable are due. Pure: it decides from its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def due_slots(timetable: Mapping[str, int], now: datetime) -> list[tuple[str, datetime]]:
    """Each task with the slot that `now` falls into.

    `timetable` maps a task to its interval in seconds; a slot is wall time rounded down to it, so that any
    number of beats name the same slot. Missed slots are not listed: what is due is read from rows, and one
    ring after an outage catches up.
    """
    return [(task, slot_of(every, now)) for task, every in timetable.items()]


def slot_of(every: int, now: datetime) -> datetime:
    interval = timedelta(seconds=every)
    return _EPOCH + (now - _EPOCH) // interval * interval
