"""When something may be sent by the clocks of several places, durations as people write them, the late cut-off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

_DURATION = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_HORIZON = timedelta(days=15)


class NoCommonWindowError(ValueError):
    """No instant of the next two weeks is allowed by every rule in every zone named."""


class Rule(Protocol):
    """What a wall clock allows: `starts_on` names every time of the day at which it may begin to allow."""

    def allows(self, local: datetime) -> bool: ...

    def starts_on(self, day: date) -> Iterable[time]: ...


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

    def allows(self, local: datetime) -> bool:
        return self.contains(local.time())

    def starts_on(self, day: date) -> Iterable[time]:
        return (self.start,)


def next_open(*, at: datetime, rules: Sequence[Rule], zones: Sequence[str]) -> datetime:
    """The earliest instant ≥ `at`, in UTC, at which every rule allows the wall clock of EVERY zone named.

    `zones` are IANA names; without any, UTC rules. Exact at clock changes: a start that the clock jumps over opens
    at the jump, a start that comes twice opens at the first. An unknown name raises ZoneInfoNotFoundError: which
    zones are plausible for a contact without one is the caller's judgement. Raises NoCommonWindowError.
    """
    places = [ZoneInfo(name) for name in zones] or [ZoneInfo("UTC")]
    moment, limit = at.astimezone(UTC), at.astimezone(UTC) + _HORIZON
    while moment <= limit:
        closed = [place for place in places if not _is_open(moment, rules, place)]
        if not closed:
            return moment
        moment = max(_next_opening(moment, rules, place) for place in closed)
    raise NoCommonWindowError(f"{_named(rules)} is never open in all of {', '.join(zones)}.")


def next_local(*, at: datetime, clock: time, zone: str, weekday: int | None = None) -> datetime:
    """The earliest instant ≥ `at`, in UTC, at which a day's wall clock in `zone` reads `clock`; with `weekday`
    (0 = Monday) only on that day of the week.

    Every day has one such instant: a time that the clock jumps over stands for the jump, one that comes twice for
    the first. A day that the zone left out of its calendar has none. ZoneInfoNotFoundError for an unknown zone.
    """
    place, moment = ZoneInfo(zone), at.astimezone(UTC)
    day = moment.astimezone(place).date()
    for ahead in range(_HORIZON.days):
        wanted = day + timedelta(days=ahead)
        if weekday is not None and wanted.weekday() != weekday:
            continue
        slot = _slot(wanted, clock, place)
        if slot is not None and slot >= moment:
            return slot
    raise AssertionError("Every weekday comes within two weeks.")


def _slot(day: date, clock: time, place: ZoneInfo) -> datetime | None:
    noon = datetime.combine(day, time(12), tzinfo=place).astimezone(UTC)
    if noon.astimezone(place).date() != day:
        return None
    slot = datetime.combine(day, clock, tzinfo=place).astimezone(UTC)
    if slot.astimezone(place).time() == clock:
        return slot
    return _clock_change(slot - timedelta(hours=6), slot + timedelta(hours=6), place)


def parse_duration(text: str) -> timedelta:
    """`3d`, `12h`, `2w`: a whole number from 1 to 99999 and hours, days of 24 hours or weeks."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration: write a whole number and h, d or w, such as 12h, 3d or 2w.")
    return int(found[1]) * _UNITS[found[2]]


def is_too_late(*, now: datetime, send_by: datetime | None) -> bool:
    """At the deadline itself sending is still allowed; no deadline is never too late."""
    return send_by is not None and now > send_by


def _is_open(moment: datetime, rules: Sequence[Rule], place: ZoneInfo) -> bool:
    local = moment.astimezone(place)
    return all(rule.allows(local) for rule in rules)


def _next_opening(moment: datetime, rules: Sequence[Rule], place: ZoneInfo) -> datetime:
    """First instant > `moment` at which all are open in `place`; `moment` itself is known to be closed."""
    yesterday = moment.astimezone(place).date() - timedelta(days=1)
    for days in (range(4), range(4, _HORIZON.days + 2)):
        candidates = [one for day in days for one in _candidates(yesterday + timedelta(days=day), rules, place)]
        openings = [one for one in candidates if one > moment and _is_open(one, rules, place)]
        if openings:
            return min(openings)
    raise NoCommonWindowError(f"{_named(rules)} does not open in {place.key}.")


def _named(rules: Sequence[Rule]) -> str:
    return " with ".join(
        f"The window {rule.start}-{rule.end}" if isinstance(rule, SendWindow) else str(rule) for rule in rules
    )


def _candidates(day: date, rules: Sequence[Rule], place: ZoneInfo) -> Iterator[datetime]:
    """Where a closed rule can open: at a start (twice when the clock goes back) or at a clock change."""
    for start in {start for rule in rules for start in rule.starts_on(day)}:
        for fold in (0, 1):
            yield datetime.combine(day, start, tzinfo=place).replace(fold=fold).astimezone(UTC)
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
