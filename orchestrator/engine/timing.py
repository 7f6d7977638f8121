"""Send windows in contacts' own time, durations as people write them, the late cut-off."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DURATION = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_HORIZON = timedelta(days=15)


class NoCommonWindowError(ValueError):
    """No instant of the next two weeks lies in the window in every zone named."""


@dataclass(frozen=True, slots=True)
class SendWindow:
    """Wall-clock times, start included, end excluded. Start after end spans midnight; equal: the whole day."""

    start: time
    end: time

    def contains(self, at: time) -> bool:
        if self.start == self.end:
            return True
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def next_allowed(*, at: datetime, window: SendWindow, zones: Sequence[str]) -> datetime:
    """The earliest instant ≥ `at`, in UTC, whose wall clock lies in the window in EVERY zone named.

    `zones` are IANA names; without any, UTC rules. Exact at clock changes: a start that the clock jumps over opens
    at the jump, a start that comes twice opens at the first. An unknown name raises ZoneInfoNotFoundError: which
    zones are plausible for a contact without one is the caller's judgement.
    """
    places = [ZoneInfo(name) for name in zones] or [ZoneInfo("UTC")]
    moment, limit = at.astimezone(UTC), at.astimezone(UTC) + _HORIZON
    while moment <= limit:
        closed = [place for place in places if not window.contains(_wall(moment, place))]
        if not closed:
            return moment
        moment = max(_next_opening(moment, window, place) for place in closed)
    raise NoCommonWindowError(f"The window {window.start}-{window.end} is never open in all of {', '.join(zones)}.")


def parse_duration(text: str) -> timedelta:
    """`3d`, `12h`, `2w`: a whole number from 1 to 99999 and hours, days of 24 hours or weeks."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration: write a whole number and h, d or w, such as 12h, 3d or 2w.")
    return int(found[1]) * _UNITS[found[2]]


def is_too_late(*, now: datetime, send_by: datetime | None) -> bool:
    """At the deadline itself sending is still allowed; no deadline is never too late."""
    return send_by is not None and now > send_by


def _wall(moment: datetime, place: ZoneInfo) -> time:
    return moment.astimezone(place).time()


def _next_opening(moment: datetime, window: SendWindow, place: ZoneInfo) -> datetime:
    """First instant > `moment` at which the window is open in `place`; `moment` itself is known to be closed."""
    yesterday = moment.astimezone(place).date() - timedelta(days=1)
    for days in (range(4), range(4, _HORIZON.days + 2)):
        candidates = [one for day in days for one in _candidates(yesterday + timedelta(days=day), window, place)]
        openings = [one for one in candidates if one > moment and window.contains(_wall(one, place))]
        if openings:
            return min(openings)
    raise NoCommonWindowError(f"The window {window.start}-{window.end} does not open in {place.key}.")


def _candidates(day: date, window: SendWindow, place: ZoneInfo) -> Iterator[datetime]:
    """Where a closed window can open: at its start (twice when the clock goes back) or at a clock change."""
    for fold in (0, 1):
        yield datetime.combine(day, window.start, tzinfo=place).replace(fold=fold).astimezone(UTC)
    midnight = datetime.combine(day, time(0), tzinfo=place).astimezone(UTC)
    before, after = midnight, midnight + timedelta(hours=26)
    if before.astimezone(place).utcoffset() != after.astimezone(place).utcoffset():
        yield _clock_change(before, after, place)


def _clock_change(before: datetime, after: datetime, place: ZoneInfo) -> datetime:
    """The first second with the new offset, by halving."""
    old = before.astimezone(place).utcoffset()
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, place).utcoffset() == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
