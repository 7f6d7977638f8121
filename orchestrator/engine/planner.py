"""The decision engine: step graph + position + facts + now -> what happens next to one enrolment.

Steps run in the order written; a BRANCH, a SPLIT, a GOTO or a WAIT for a condition names where to go instead. An
enrolment stands at one step (`Position`): at a MESSAGE it waits to be sent, at a WAIT it waits for time to pass or for
its condition. `walk` goes from there through everything that needs neither a message nor time, says the first thing
that does, and tells what it came through that must be written down. It reads no clock and keeps nothing, so planning
twice gives the same answer, and a late tick gives the answer an early one would have given: a WAIT that ended in the
past passes its end, not `now`, on to the next step. (Whether a condition held at a time that is past nobody can know:
a late tick asks it once more, and its yes counts.)

Visits. A step may lead back to an earlier one. `visit` counts rounds: it starts at 1 and grows by one with each
move to the same or an earlier step, so (enrolment, step, visit) is unique for every message. A GOTO leads back
`at_most` times, counted for each GOTO by itself and over the whole enrolment, then it is passed by: no number of jumps
is unbounded.

A local time that has been waited for is over: a second wait for it, or the same one come to again, means the next one.
Two times are taken as they stand: that of somebody who comes in at it, and that at which a wait of so many days ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum

from orchestrator.engine import timing

EXIT_PRIORITY = ("CONVERTED", "OPTED_OUT", "REFUSED", "GATE_CLOSED", "LEFT_SEGMENT")
COMPLETED = "COMPLETED"
LOOP = "LOOP"
STEP_GONE = "STEP_GONE"


class StepKind(StrEnum):
    MESSAGE = "MESSAGE"
    WAIT = "WAIT"
    BRANCH = "BRANCH"
    SPLIT = "SPLIT"
    UPDATE = "UPDATE"
    GOTO = "GOTO"
    EXIT = "EXIT"


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A time of day in the contact's own zone; `weekday` 0 = Monday, None = whichever day comes first."""

    clock: time
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """`channel` belongs to MESSAGE. A WAIT has `wait` (how long), `until` (a local time), or `is_asking`: it ends when
    its condition holds, at the latest after `wait`. `then` and `otherwise` belong to BRANCH and to an asking WAIT,
    `ways` to SPLIT: a step's key, or None = end. A GOTO leads to `then`; back at most so many times as `at_most`
    says."""

    key: str
    kind: StepKind
    channel: str | None = None
    wait: timedelta | None = None
    until: LocalTime | None = None
    is_asking: bool = False
    then: str | None = None
    otherwise: str | None = None
    ways: Mapping[str, str | None] = field(default_factory=dict)
    at_most: int = 0

    @property
    def chooses(self) -> bool:
        return self.kind is StepKind.BRANCH or self.is_asking


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps in order. Keys are unique, branches name existing steps, waits are not negative: ValueError otherwise."""

    steps: tuple[Step, ...]
    _order: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        order = {step.key: place for place, step in enumerate(self.steps)}
        if len(order) != len(self.steps):
            raise ValueError("Two steps have the same key.")
        for step in self.steps:
            _check_step(step, order)
        object.__setattr__(self, "_order", order)

    def step(self, key: str) -> Step | None:
        place = self._order.get(key)
        return None if place is None else self.steps[place]

    def following(self, key: str) -> str | None:
        place = self._order[key] + 1
        return self.steps[place].key if place < len(self.steps) else None

    def goes_back(self, *, origin: str, target: str) -> bool:
        return self._order[target] <= self._order[origin]


@dataclass(frozen=True, slots=True)
class Position:
    """Where an enrolment stands; `step_key` None means past the last step. `is_start`: it came in this moment."""

    step_key: str | None
    entered_at: datetime
    visit: int = 1
    is_start: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds for the enrolment now, gathered by the caller.

    `exits`: the reasons to leave that hold; of several the first in EXIT_PRIORITY counts, then the alphabet.
    `conditions`: by key of a BRANCH or of a WAIT for a condition; a missing one is false. `unanswerable`: by key of
    those, why nobody can say whether theirs holds; nothing passes them. `skips`: by key of a MESSAGE,
    why it cannot be sent to this contact (no address, channel refused ...) while the sequence goes on. `ways`: by key
    of a SPLIT, the way that was drawn for the account. `jumps`: by key of a GOTO, how often it has led back. `zone`:
    the IANA name that local times are meant in.
    """

    exits: frozenset[str] = frozenset()
    conditions: Mapping[str, bool] = field(default_factory=dict)
    unanswerable: Mapping[str, str] = field(default_factory=dict)
    skips: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, str] = field(default_factory=dict)
    jumps: Mapping[str, int] = field(default_factory=dict)
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message; due since `due_at`, which may be past. Windows, caps and cut-offs are the caller's."""

    step_key: str
    due_at: datetime
    visit: int = 1


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`. Store Position(step_key, entered_at, visit) and plan again then."""

    until: datetime
    step_key: str
    entered_at: datetime
    visit: int = 1


@dataclass(frozen=True, slots=True)
class Skip:
    """This message is not sent to this contact, for `reason`; go on from `after` it."""

    step_key: str
    reason: str
    visit: int = 1


@dataclass(frozen=True, slots=True)
class Split:
    """It went the way `way` at this step."""

    step_key: str
    way: str
    visit: int = 1


@dataclass(frozen=True, slots=True)
class Update:
    """It came through this UPDATE: what the step says is to be written."""

    step_key: str
    visit: int = 1


@dataclass(frozen=True, slots=True)
class Jump:
    """This GOTO led back."""

    step_key: str
    visit: int = 1


@dataclass(frozen=True, slots=True)
class Stuck:
    """It can't go on from this step, for `reason`: LOOP or STEP_GONE. The Exit beside it says the same."""

    step_key: str
    reason: str
    visit: int = 1


@dataclass(frozen=True, slots=True)
class Exit:
    """The enrolment ends. COMPLETED: the sequence is over. LOOP: steps lead in a circle without a wait.

    STEP_GONE: it stands at a step that this version of the sequence does not have.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """It asks what cannot be answered, for `reason`. Store Position(step_key, entered_at, visit) and ask again."""

    step_key: str
    reason: str
    entered_at: datetime
    visit: int = 1


Decision = Send | Wait | Skip | Exit | Held
Passed = Skip | Split | Update | Jump | Stuck


@dataclass(frozen=True, slots=True)
class Walk:
    """What is to be done, and what was come through on the way to it, in order. With a reason to leave: nothing."""

    decision: Send | Wait | Exit | Held
    passed: tuple[Passed, ...] = ()


def start(*, sequence: Sequence, now: datetime) -> Position:
    return Position(sequence.steps[0].key if sequence.steps else None, now, is_start=True)


def after(*, sequence: Sequence, step_key: str, now: datetime, visit: int = 1) -> Position:
    """Where an enrolment stands once the step is done (sent or skipped). KeyError for an unknown step."""
    return Position(sequence.following(step_key), now, visit)


def plan(*, sequence: Sequence, position: Position, facts: Facts, now: datetime) -> Decision:
    """The first thing that needs a message, time, an end, or to be told that it is skipped: see `walk`."""
    walked = walk(sequence=sequence, position=position, facts=facts, now=now)
    return next((one for one in walked.passed if isinstance(one, Skip)), walked.decision)


def walk(*, sequence: Sequence, position: Position, facts: Facts, now: datetime) -> Walk:
    """The first thing that needs a message, time, or an end, past what is skipped, drawn or written on the way.

    Exits come before all else. A circle without a message and without time ends with LOOP, skipped messages
    included; a circle through waits makes no missed rounds up: from the second arrival at a step on, waits count
    from `now`.
    """
    if facts.exits:
        return Walk(Exit(_first_exit(facts.exits)))
    passed: list[Passed] = []
    seen: set[str] = set()
    caught_up, is_fresh = position.entered_at >= now, position.is_start
    while position.step_key is not None:
        step = sequence.step(position.step_key)
        if step is None:
            return _stuck(STEP_GONE, position, passed)
        if step.key in seen:
            if caught_up:
                return _stuck(LOOP, position, passed)
            seen.clear()
            caught_up, position = True, Position(step.key, now, position.visit)
        seen.add(step.key)
        if step.chooses and step.key in facts.unanswerable:
            why = facts.unanswerable[step.key]
            return Walk(Held(step.key, why, position.entered_at, position.visit), tuple(passed))
        ends_at = _end(step, position, facts, is_fresh=is_fresh) if step.kind is StepKind.WAIT else now
        decided = _decide(sequence, step, position, facts, now, ends_at, passed)
        if isinstance(decided, Send | Wait | Exit):
            return Walk(decided, tuple(passed))
        if decided is not None:
            passed.append(decided)
        is_fresh = _is_fresh(step, is_fresh)
        position = _move(sequence, step, position, facts, now, ends_at, decided)
    return Walk(Exit(COMPLETED), tuple(passed))


def _stuck(reason: str, position: Position, passed: list[Passed]) -> Walk:
    assert position.step_key is not None, "Past the last step nobody is stuck."
    return Walk(Exit(reason), (*passed, Stuck(position.step_key, reason, position.visit)))


def _is_fresh(step: Step, was: bool) -> bool:
    """Whether a local time that it is at this point of the way has not been waited for, nor used by a message."""
    if step.kind is StepKind.WAIT:
        return step.until is None
    return was and step.kind is not StepKind.MESSAGE


def _decide(
    sequence: Sequence,
    step: Step,
    position: Position,
    facts: Facts,
    now: datetime,
    ends_at: datetime,
    passed: list[Passed],
) -> Send | Wait | Skip | Exit | Split | Update | Jump | None:
    match step.kind:
        case StepKind.MESSAGE:
            reason = facts.skips.get(step.key)
            if reason is not None:
                return Skip(step.key, reason, position.visit)
            return Send(step.key, position.entered_at, position.visit)
        case StepKind.WAIT:
            is_over = ends_at <= now or (step.is_asking and facts.conditions.get(step.key, False))
            return None if is_over else Wait(ends_at, step.key, position.entered_at, position.visit)
        case StepKind.SPLIT:
            return Split(step.key, _way(step, facts), position.visit)
        case StepKind.UPDATE:
            return Update(step.key, position.visit)
        case StepKind.EXIT:
            return Exit(COMPLETED)
        case StepKind.GOTO:
            return _jump(sequence, step, position, facts, passed)
        case StepKind.BRANCH:
            return None


def end_of_wait(*, step: Step, entered_at: datetime, zone: str, is_fresh: bool = False) -> datetime:
    """When a WAIT is over at the latest. A local time that it was at `entered_at` has been waited for, unless
    `is_fresh`."""
    if step.until is not None:
        at = entered_at if is_fresh else entered_at + timedelta.resolution
        return timing.next_local(at=at, clock=step.until.clock, weekday=step.until.weekday, zone=zone)
    return entered_at + (step.wait or timedelta(0))


def _end(step: Step, position: Position, facts: Facts, *, is_fresh: bool) -> datetime:
    return end_of_wait(step=step, entered_at=position.entered_at, zone=facts.zone, is_fresh=is_fresh)


def _move(
    sequence: Sequence,
    step: Step,
    position: Position,
    facts: Facts,
    now: datetime,
    ends_at: datetime,
    decided: Decision | Split | Update | Jump | None,
) -> Position:
    entered_at = position.entered_at
    if step.kind is StepKind.MESSAGE:
        entered_at = now
    if step.kind is StepKind.WAIT:
        entered_at = min(ends_at, now)
    if step.chooses:
        target = step.then if facts.conditions.get(step.key, False) else step.otherwise
    elif step.kind is StepKind.SPLIT:
        target = step.ways[_way(step, facts)]
    elif step.kind is StepKind.GOTO:
        is_led = isinstance(decided, Jump) or not _leads_back(sequence, step)
        target = step.then if is_led else sequence.following(step.key)
    else:
        target = sequence.following(step.key)
    back = target is not None and sequence.goes_back(origin=step.key, target=target)
    return Position(target, entered_at, position.visit + back)


def _jump(sequence: Sequence, step: Step, position: Position, facts: Facts, passed: list[Passed]) -> Jump | None:
    """None for a GOTO that leads on, and for one that has led back as often as it may."""
    if not _leads_back(sequence, step):
        return None
    made = sum(isinstance(one, Jump) and one.step_key == step.key for one in passed)
    left = step.at_most - facts.jumps.get(step.key, 0) - made
    return Jump(step.key, position.visit) if left > 0 else None


def _leads_back(sequence: Sequence, step: Step) -> bool:
    assert step.then is not None, "A GOTO names its target."
    return sequence.goes_back(origin=step.key, target=step.then)


def _way(step: Step, facts: Facts) -> str:
    """One that this version of the step does not have, or none, counts as its first by alphabet."""
    drawn = facts.ways.get(step.key, "")
    return drawn if drawn in step.ways else min(step.ways)


def _first_exit(reasons: frozenset[str]) -> str:
    rank = {reason: place for place, reason in enumerate(EXIT_PRIORITY)}
    return min(reasons, key=lambda reason: (rank.get(reason, len(rank)), reason))


def _check_step(step: Step, order: Mapping[str, int]) -> None:
    leads = step.chooses or step.kind is StepKind.GOTO
    if (step.then is not None or step.otherwise is not None) and not leads:
        raise ValueError(f"Step {step.key!r} asks nothing, so it cannot name the step to go to.")
    for target in (step.then, step.otherwise, *step.ways.values()):
        if target is not None and target not in order:
            raise ValueError(f"Step {step.key!r} leads to {target!r}, which does not exist.")
    if step.kind is StepKind.WAIT and step.until is None and (step.wait is None or step.wait < timedelta(0)):
        raise ValueError(f"Step {step.key!r} waits, but for how long is not said.")
    if step.kind is StepKind.SPLIT and not step.ways:
        raise ValueError(f"Step {step.key!r} splits, but into what is not said.")
    if step.kind is StepKind.GOTO and (step.then is None or step.otherwise is not None or step.at_most < 0):
        raise ValueError(f"Step {step.key!r} leads on, but where to is not said.")
    if step.kind is StepKind.MESSAGE and not step.channel:
        raise ValueError(f"Step {step.key!r} is a message without a channel.")
