"""Frequency caps over the times at which somebody was contacted."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAY, WEEK, MONTH = "day", "week", "month"
# A calendar day has up to 25 hours, and a zone may change while somebody moves.
_MEMORY = {DAY: timedelta(days=2), WEEK: timedelta(days=8), MONTH: timedelta(days=32)}
CONTACT, ACCOUNT = "contact", "account"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `messages` in any rolling `days` x 24 hours or, with `per` instead, in any calendar day, week (from
    Monday) or month by the local clock. `of` is contact or account; empty holds for each of them."""

    days: int = 0
    messages: int = 0
    per: str = ""
    of: str = ""

    def __post_init__(self) -> None:
        if self.messages < 1 or (self.days < 1 and not self.per):
            raise ValueError(f"A cap of {self.messages} messages in {self.days} days allows nothing: both must be ≥ 1.")
        if self.days and self.per:
            raise ValueError(f"A cap is of {self.days} days or per {self.per}, not of both.")
        if self.per and self.per not in _MEMORY:
            raise ValueError(f"A cap per {self.per!r} is unknown: write day, week or month.")
        if self.of not in ("", CONTACT, ACCOUNT):
            raise ValueError(f"A cap of {self.of!r} is unknown: write contact, account or nothing for each of them.")

    @property
    def memory(self) -> timedelta:
        """How long a message can matter to it."""
        return _MEMORY[self.per] if self.per else timedelta(days=self.days)


def read_caps(written: Iterable[Mapping[str, Any]]) -> tuple[Cap, ...]:
    """As FREQUENCY_CAPS has them. Raises ValueError."""
    return tuple(Cap(**cap) for cap in written)


def earliest_allowed(*, sent_at: Sequence[datetime], caps: Sequence[Cap], now: datetime, zone: str = "UTC") -> datetime:
    """The first instant ≥ now at which one more message breaks no cap.

    A message counts during (sent, sent + days]; at exactly sent + days it counts no more. A calendar period begins
    with its first instant by the clock of `zone`, an IANA name, and ends before that of the next.
    Messages already reserved for later than `now` belong into `sent_at` and count too.
    """
    if not sent_at:
        return now
    newest_first = sorted(sent_at, reverse=True)
    allowed = now
    calendar = [cap for cap in caps if cap.per]
    for cap in caps:
        if not cap.per and len(newest_first) >= cap.messages:
            allowed = max(allowed, newest_first[cap.messages - 1] + timedelta(days=cap.days))
    return _in_free_period(allowed, newest_first, calendar, zone) if calendar else allowed


def _in_free_period(at: datetime, sent_at: Sequence[datetime], caps: Sequence[Cap], zone: str) -> datetime:
    """The first instant ≥ `at` in whose periods all caps have room: a full period is left for the next one."""
    while True:
        ends = [_end_if_full(at, sent_at, cap, zone) for cap in caps]
        later = max((end for end in ends if end is not None), default=at)
        if later == at:
            return at
        at = later


def _end_if_full(at: datetime, sent_at: Sequence[datetime], cap: Cap, zone: str) -> datetime | None:
    start, end = period_of(at=at, per=cap.per, zone=zone)
    return end if sum(start <= one < end for one in sent_at) >= cap.messages else None


def period_of(*, at: datetime, per: str, zone: str) -> tuple[datetime, datetime]:
    """First instant of the calendar period that `at` lies in, and of the next one; both in UTC."""
    place = ZoneInfo(zone)
    day = _first_day(at.astimezone(place).date(), per)
    start, end = _first_instant(day, zone), _first_instant(_next(day, per), zone)
    # Where the clock goes back over midnight a day comes twice: what is past the next day's beginning is of that day.
    return (start, end) if at < end else (end, _first_instant(_next(_next(day, per), per), zone))


def _first_day(day: date, per: str) -> date:
    if per == WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if per == MONTH else day


def _next(day: date, per: str) -> date:
    if per == MONTH:
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if per == WEEK else 1)


@functools.lru_cache(maxsize=2048)
def _first_instant(day: date, zone: str) -> datetime:
    """A midnight that the clock jumps over stands for the jump, one that comes twice for the first."""
    return datetime.combine(day, time(0), tzinfo=ZoneInfo(zone)).astimezone(UTC)
