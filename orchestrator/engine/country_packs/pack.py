"""What a country pack says: at which hours marketing may reach people there, and how it must be marked. Pure data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from orchestrator.engine.timing import SendWindow

# What rings or lights up in somebody's pocket. In-app messages are seen by those who use the product, a CSM task by
# a colleague: neither wakes anybody.
CHANNELS = ("email", "sms")

# Monday first, as date.weekday() counts; None is a day without hours.
type Week = tuple[SendWindow | None, ...]


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one channel in one country by weekday, in the reader's own time. A rule of `timing.next_open`.

    `rests_on` names the days without any hours, `ends_early` those before a rest that begins in the evening: their
    hours end at `early_end`. `name_rest` says which rest a day is, in a word that pages translate.
    """

    week: Week
    rests_on: Callable[[date], bool] = field(default=lambda day: False, repr=False)
    ends_early: Callable[[date], bool] = field(default=lambda day: False, repr=False)
    early_end: time = time(14)
    name_rest: Callable[[date], str] = field(default=lambda day: "", repr=False)

    def allows(self, local: datetime) -> bool:
        day, at = local.date(), local.time()
        hours = self.week[day.weekday()]
        if hours is None or not hours.contains(at) or self.rests_on(day):
            return False
        return at < self.early_end or not self.ends_early(day)

    def starts_on(self, day: date) -> Iterable[time]:
        hours = self.week[day.weekday()]
        return () if hours is None else (hours.start,)


class Demand(StrEnum):
    """What a marketing message must show; `content` judges the first six by a text, the last by consent's records."""

    MARK = "mark"
    """Begins with the pack's word; a mail in its subject."""
    SENDER_NAME = "sender_name"
    POSTAL_ADDRESS = "postal_address"
    WAY_OUT = "way_out"
    """How to get no more, for everybody to see."""
    WAY_OUT_TONGUE = "way_out_tongue"
    """In the language of the text."""
    HONEST_SUBJECT = "honest_subject"
    """Does not pass itself off as an answer."""
    REPLY_ADDRESS = "reply_address"
    """Whoever answers is read."""
    LEGAL_BASIS = "legal_basis"
    """Why each reader may be written to is recorded."""


BLOCKER, WARNING = "BLOCKER", "WARNING"


@dataclass(frozen=True, slots=True)
class ContentRule:
    """`source` names the law. With a `tongue` only texts in that language block; others get a second look.

    `bases`: the legal bases that count, for a rule about them.
    """

    demand: Demand
    channels: tuple[str, ...]
    level: str
    source: str
    tongue: str = ""
    bases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CountryPack:
    """`hours` by channel; `states` holds, by a state's two letters, the hours it adds to those of the country, and
    `state_zones` where the clock of those that do so stands. `state_names`: English name in small letters -> letters.

    `rules`: what marketing there must show. `mark` is the word that it must begin with, empty where none must.
    """

    code: str
    hours: Mapping[str, Hours]
    states: Mapping[str, Mapping[str, Hours]] = field(default_factory=dict)
    state_zones: Mapping[str, frozenset[str]] = field(default_factory=dict)
    state_names: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[ContentRule, ...] = ()
    mark: str = ""


def every_day(start: int, end: int) -> Week:
    """The same full hours on all seven days."""
    return (SendWindow(time(start), time(end)),) * 7


def weekdays_and(weekdays: tuple[int, int], saturday: tuple[int, int] | None, sunday: tuple[int, int] | None) -> Week:
    """Full hours from Monday to Friday, and those of the weekend."""
    made = [SendWindow(time(start), time(end)) for start, end in [weekdays] * 5]
    ends = [None if one is None else SendWindow(time(one[0]), time(one[1])) for one in (saturday, sunday)]
    return (*made, *ends)
