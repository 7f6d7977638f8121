"""What becomes of an account that enters a campaign now: which of its messages go on which days, which come too late,
and which the limits for each person and account leave no room for.

By the campaign alone: what else an account is sent, and that somebody leaves, is not foreseen. Where people decide
(a BRANCH, a WAIT for a condition) every way is gone, so that a number is the most there can be; at a SPLIT each way
gets its share.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns.delivery import windows
from campaigns.delivery.begin import UNSEEN
from campaigns.delivery.models import Message
from campaigns.delivery.windows import Place
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.step_file import StepSpec
from orchestrator.engine import capping, planner

# What is due goes a moment later at the earliest, and what counts from it (a limit, a wait) counts from then.
A_MOMENT = timedelta(minutes=1)
# A round that begins later is not foreseen, nor what comes after so many steps.
HORIZON, MOST_STEPS = timedelta(days=60), 150
# So many situations are looked into, of one account and in all: ways that part again and again would have no end. What
# was found of so many is kept for others like them.
MOST_OF_ONE, MOST_SITUATIONS, MOST_KEPT = 10_000, 100_000, 20_000


class Outcome(StrEnum):
    SENT = "SENT"
    LATE = "LATE"
    CAPPED = "CAPPED"


class Fate(NamedTuple):
    """Of a step's message; `day`, where its reader lives: on which it goes, or could go when it is too late.
    `is_first`: what everybody begins with, not when a way back leads there again. Without a step it is of all that a
    `channel` sends on the day but for what everybody begins with: of ways that are gone by some or others, a sum of
    their steps would be too much."""

    step: str
    outcome: Outcome
    day: date
    is_first: bool = False
    channel: str = ""


class Number(NamedTuple):
    """Of messages. `is_drawn`: a share of a SPLIT. `is_open`: at most, what people do decides."""

    of: float
    is_drawn: bool = False
    is_open: bool = False


type Fates = Mapping[Fate, Number]


@dataclass(frozen=True, slots=True)
class Reader:
    """`zone`: in which the campaign's local times are meant. `reached`: the channels of its messages on which they may
    be written to."""

    place: Place
    zone: str
    account_zone: str
    reached: frozenset[str]


class _Sent(NamedTuple):
    outcome: Outcome
    day: date
    # When whoever it was for goes on, and when it went, if it did.
    over: datetime
    at: datetime | None = None


class _At(NamedTuple):
    """`own`: what they were sent, `others`: what others of the account were; `jumps`: how often each GOTO led back.
    `is_fresh`: a local time that it is now has not been waited for."""

    step: str
    at: datetime
    is_fresh: bool
    own: tuple[datetime, ...]
    others: tuple[datetime, ...]
    jumps: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Foresight:
    """Of one campaign from one moment on; what was found for a reader is kept for the next one like them. `is_cut`: the
    ways part, or lead back, so often that what is found of later messages is not all. `most` situations in all."""

    spec: CampaignSpec
    now: datetime
    most: int = MOST_SITUATIONS
    is_cut: bool = field(init=False, default=False)
    _steps: dict[str, StepSpec] = field(init=False)
    _places: dict[str, int] = field(init=False)
    _following: dict[str, str] = field(init=False)
    _caps: dict[str, list[capping.Cap]] = field(init=False)
    _memory: timedelta = field(init=False)
    _known: dict[tuple[Reader, _At], Fates] = field(init=False, default_factory=dict)
    _entered: set[tuple[Reader, _At]] = field(init=False, default_factory=set)
    _looked_into: int = field(init=False, default=0)
    _last: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        steps = self.spec.steps
        self._steps = {step.key: step for step in steps}
        self._places = {step.key: place for place, step in enumerate(steps)}
        self._following = {one.key: after.key for one, after in itertools.pairwise(steps)}
        is_marketing = self.spec.purpose == Message.Purpose.MARKETING
        caps = capping.read_caps(settings.FREQUENCY_CAPS) if is_marketing else ()
        self._caps = {of: [cap for cap in caps if cap.of in ("", of)] for of in (capping.CONTACT, capping.ACCOUNT)}
        self._memory = max((cap.memory for cap in caps), default=timedelta(0))

    def of_account(self, readers: Sequence[Reader]) -> Fates:
        """Of all its readers together: the first messages as they take room from each other, the earliest first."""
        if len(self._known) > MOST_KEPT:
            self._known.clear()
        self._last = min(self._looked_into + MOST_OF_ONE, self.most)
        starts = [(reader, self._start(reader)) for reader in readers]
        starts.sort(key=lambda one: self._opens(one[0], self._steps[one[1].step], one[1].at))
        gone: list[datetime | None] = []
        firsts: list[_Sent] = []
        for reader, start in starts:
            others = tuple(at for at in gone if at is not None)
            firsts.append(self._send(reader, start._replace(others=others)))
            gone.append(firsts[-1].at)
        found: dict[Fate, Number] = {}
        for place, ((reader, start), first) in enumerate(zip(starts, firsts, strict=True)):
            others = tuple(sorted(at for n, at in enumerate(gone) if n != place and at is not None))
            rest = self._after_message(reader, start._replace(others=others), first, 0)
            add(found, [({Fate(start.step, first.outcome, first.day, is_first=True): Number(1)}, 1.0), (rest, 1.0)])
        return found

    def _start(self, reader: Reader) -> _At:
        """At the first message, which only waits for a time may stand before."""
        stands = _At(self.spec.steps[0].key, self.now, True, (), ())
        while (step := self._steps[stands.step]).kind == "WAIT":
            stands = _At(self._following[step.key], self._over(step, reader, stands), step.until is None, (), ())
        return stands

    def _go(self, reader: Reader, key: str | None, stands: _At, depth: int) -> Fates:
        """From the step `key`, come to as `stands` says; kept. A circle in which no time passes adds nothing."""
        if not key:
            return {}
        is_back = self._places[key] <= self._places[stands.step]
        if is_back and stands.at > self.now + HORIZON:
            return {}
        stands = stands._replace(
            step=key, own=self._fresh(stands.own, stands.at), others=self._fresh(stands.others, stands.at)
        )
        asked = (reader, stands)
        if asked in self._known:
            return self._known[asked]
        if asked in self._entered:
            return {}
        if depth > MOST_STEPS or self._looked_into >= self._last:
            self.is_cut = True
            return {}
        self._looked_into += 1
        self._entered.add(asked)
        found = self._walk(reader, stands, depth + 1)
        self._entered.discard(asked)
        self._known[asked] = found
        return found

    def _walk(self, reader: Reader, stands: _At, depth: int) -> Fates:
        step = self._steps[stands.step]
        after = self._following.get(step.key)
        match step.kind:
            case "EXIT":
                return {}
            case "MESSAGE" if step.channel in reader.reached:
                sent = self._send(reader, stands)
                found: dict[Fate, Number] = {}
                rest = self._after_message(reader, stands, sent, depth)
                fates = {Fate(step.key, sent.outcome, sent.day): Number(1)}
                if sent.outcome == Outcome.SENT:
                    fates[Fate("", sent.outcome, sent.day, channel=step.channel)] = Number(1)
                add(found, [(fates, 1.0), (rest, 1.0)])
                return found
            case "MESSAGE":
                return self._go(reader, after, stands._replace(is_fresh=False), depth)
            case "WAIT":
                over = stands._replace(at=self._over(step, reader, stands), is_fresh=step.until is None)
                if not step.is_asking:
                    return self._go(reader, after, over, depth)
                at_once = self._go(reader, step.then or after, stands._replace(is_fresh=True), depth)
                return _either([at_once, self._go(reader, step.otherwise or after, over, depth)])
            case "BRANCH":
                targets = dict.fromkeys([step.then or after, step.otherwise or after])
                return _either([self._go(reader, target, stands, depth) for target in targets])
            case "SPLIT":
                whole = sum(way.weight for way in step.ways)
                ways = [(self._go(reader, way.then or after, stands, depth), way.weight / whole) for way in step.ways]
                return _shared([(found, share) for found, share in ways if share])
            case "GOTO":
                return self._jump(reader, step, stands, depth)
        return self._go(reader, after, stands, depth)

    def _jump(self, reader: Reader, step: StepSpec, stands: _At, depth: int) -> Fates:
        made = dict(stands.jumps)
        if self._places[step.then] > self._places[step.key]:
            return self._go(reader, step.then, stands, depth)
        if made.get(step.key, 0) >= step.at_most:
            return self._go(reader, self._following.get(step.key), stands, depth)
        made[step.key] = made.get(step.key, 0) + 1
        return self._go(reader, step.then, stands._replace(jumps=tuple(sorted(made.items()))), depth)

    def _after_message(self, reader: Reader, stands: _At, sent: _Sent, depth: int) -> Fates:
        own = (*stands.own, sent.at) if sent.at is not None else stands.own
        over = stands._replace(at=sent.over, is_fresh=False, own=own)
        return self._go(reader, self._following.get(stands.step), over, depth)

    def _send(self, reader: Reader, stands: _At) -> _Sent:
        """As delivery decides it: outside its hours a message waits, without room under a limit too, and both no longer
        than the campaign lets it."""
        step = self._steps[stands.step]
        opens = self._opens(reader, step, stands.at)
        until = stands.at + timedelta(hours=self.spec.limits.send_by_hours)
        if opens > until:
            return _Sent(Outcome.LATE, _day(opens, reader), stands.at)
        is_limited = step.channel not in UNSEEN
        looked_at = opens
        while is_limited and (allowed := self._allowed(reader, stands, opens)) > opens:
            opens = self._opens(reader, step, allowed)
            if opens > until:
                return _Sent(Outcome.CAPPED, _day(opens, reader), looked_at)
        gone = opens + A_MOMENT
        return _Sent(Outcome.SENT, _day(opens, reader), gone, gone if is_limited and self._memory else None)

    def _allowed(self, reader: Reader, stands: _At, at: datetime) -> datetime:
        contact, account = self._caps[capping.CONTACT], self._caps[capping.ACCOUNT]
        whole = (*stands.own, *stands.others)
        while whole:
            before = at
            zone = reader.place.zones[0]
            at = capping.earliest_allowed(sent_at=stands.own, caps=contact, now=at, zone=zone)
            at = capping.earliest_allowed(sent_at=whole, caps=account, now=at, zone=reader.account_zone)
            if at == before:
                break
        return at

    def _opens(self, reader: Reader, step: StepSpec, at: datetime) -> datetime:
        limits = self.spec.limits
        return windows.next_sendable(
            at=at,
            start=limits.window_from,
            end=limits.window_to,
            place=reader.place,
            channel=step.channel,
            purpose=self.spec.purpose,
        )

    def _over(self, step: StepSpec, reader: Reader, stands: _At) -> datetime:
        waits = planner.Step(step.key, planner.StepKind.WAIT, wait=step.wait, until=step.until)
        return planner.end_of_wait(step=waits, entered_at=stands.at, zone=reader.zone, is_fresh=stands.is_fresh)

    def _fresh(self, sent: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
        return tuple(one for one in sent if one > at - self._memory) if sent else sent


def _day(at: datetime, reader: Reader) -> date:
    return at.astimezone(_clock_of(reader.place.zones[0])).date()


@functools.cache
def _clock_of(zone: str) -> ZoneInfo:
    """Kept: of more than a few at a time ZoneInfo reads each anew."""
    return ZoneInfo(zone)


def _either(ways: Sequence[Fates]) -> Fates:
    """What most of them could get who go one of these ways."""
    found: dict[Fate, Number] = {}
    for fate in _all(ways):
        there = [way.get(fate, Number(0)) for way in ways]
        is_open = len({one.of for one in there}) > 1 or any(one.is_open for one in there)
        found[fate] = Number(max(one.of for one in there), any(one.is_drawn for one in there), is_open)
    return found


def _shared(ways: Sequence[tuple[Fates, float]]) -> Fates:
    found: dict[Fate, Number] = {}
    add(found, ways)
    for fate, number in found.items():
        is_drawn = len({way.get(fate, Number(0)).of for way, _ in ways}) > 1
        found[fate] = number._replace(is_drawn=number.is_drawn or is_drawn)
    return found


def add(found: dict[Fate, Number], others: Iterable[tuple[Fates, float]]) -> None:
    """`others` each by its share, or its number of accounts."""
    for fates, share in others:
        for fate, number in fates.items():
            known = found.get(fate, Number(0))
            found[fate] = Number(
                known.of + share * number.of, known.is_drawn or number.is_drawn, known.is_open or number.is_open
            )


def _all(ways: Iterable[Fates]) -> dict[Fate, None]:
    return dict.fromkeys(fate for way in ways for fate in way)
