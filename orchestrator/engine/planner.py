"""The decision engine: step graph + position + facts + now -> what happens next to one enrolment.

Steps run in the order written; a BRANCH names where to go instead. An enrolment stands at one step (`Position`):
at a MESSAGE it waits to be sent, at a WAIT it waits for time to pass. `plan` walks from there through everything that
needs neither a message nor time, and says the first thing that does. It reads no clock and keeps nothing, so
planning twice gives the same answer, and a late tick gives the answer an early one would have given: a WAIT that
ended in the past passes its end, not `now`, on to the next step.

Visits. A BRANCH may lead back to an earlier step. `visit` counts rounds: it starts at 1 and grows by one with each
move to the same or an earlier step, so (enrolment, step, visit) is unique for every message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

EXIT_PRIORITY = ("CONVERTED", "OPTED_OUT", "REFUSED", "GATE_CLOSED", "LEFT_SEGMENT")
COMPLETED = "COMPLETED"
LOOP = "LOOP"
STEP_GONE = "STEP_GONE"


class StepKind(StrEnum):
    MESSAGE = "MESSAGE"
    WAIT = "WAIT"
    BRANCH = "BRANCH"
    EXIT = "EXIT"


@dataclass(frozen=True, slots=True)
class Step:
    """`channel` belongs to MESSAGE, `wait` to WAIT, `then` and `otherwise` to BRANCH: a step's key, or None = end."""

    key: str
    kind: StepKind
    channel: str | None = None
    wait: timedelta | None = None
    then: str | None = None
    otherwise: str | None = None


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
    """Where an enrolment stands; `step_key` None means past the last step."""

    step_key: str | None
    entered_at: datetime
    visit: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds for the enrolment now, gathered by the caller.

    `exits`: the reasons to leave that hold; of several the first in EXIT_PRIORITY counts, then the alphabet.
    `conditions`: by key of a BRANCH; a missing one is false. `skips`: by key of a MESSAGE, why it cannot be sent to
    this contact (no address, channel refused ...) while the sequence goes on.
    """

    exits: frozenset[str] = frozenset()
    conditions: Mapping[str, bool] = field(default_factory=dict)
    skips: Mapping[str, str] = field(default_factory=dict)


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
class Exit:
    """The enrolment ends. COMPLETED: the sequence is over. LOOP: branches lead in a circle without a wait.

    STEP_GONE: it stands at a step that this version of the sequence does not have.
    """

    reason: str


Decision = Send | Wait | Skip | Exit


def start(*, sequence: Sequence, now: datetime) -> Position:
    return Position(sequence.steps[0].key if sequence.steps else None, now)


def after(*, sequence: Sequence, step_key: str, now: datetime, visit: int = 1) -> Position:
    """Where an enrolment stands once the step is done (sent or skipped). KeyError for an unknown step."""
    return Position(sequence.following(step_key), now, visit)


def plan(*, sequence: Sequence, position: Position, facts: Facts, now: datetime) -> Decision:
    """The first thing that needs a message, time, or an end.

    Exits come before all else. A circle of branches ends with LOOP; a circle through waits makes no missed rounds
    up: from the second arrival at a step on, waits count from `now`.
    """
    if facts.exits:
        return Exit(_first_exit(facts.exits))
    walked: set[str] = set()
    caught_up = position.entered_at >= now
    while position.step_key is not None:
        step = sequence.step(position.step_key)
        if step is None:
            return Exit(STEP_GONE)
        if step.key in walked:
            if caught_up:
                return Exit(LOOP)
            walked.clear()
            caught_up, position = True, Position(step.key, now, position.visit)
        walked.add(step.key)
        decided = _decide(step, position, facts, now)
        if decided is not None:
            return decided
        position = _move(sequence, step, position, facts)
    return Exit(COMPLETED)


def _decide(step: Step, position: Position, facts: Facts, now: datetime) -> Decision | None:
    match step.kind:
        case StepKind.MESSAGE:
            reason = facts.skips.get(step.key)
            if reason is not None:
                return Skip(step.key, reason, position.visit)
            return Send(step.key, position.entered_at, position.visit)
        case StepKind.WAIT:
            until = position.entered_at + (step.wait or timedelta(0))
            return Wait(until, step.key, position.entered_at, position.visit) if until > now else None
        case StepKind.EXIT:
            return Exit(COMPLETED)
        case StepKind.BRANCH:
            return None


def _move(sequence: Sequence, step: Step, position: Position, facts: Facts) -> Position:
    if step.kind is StepKind.WAIT:
        return Position(sequence.following(step.key), position.entered_at + (step.wait or timedelta(0)), position.visit)
    target = step.then if facts.conditions.get(step.key, False) else step.otherwise
    back = target is not None and sequence.goes_back(origin=step.key, target=target)
    return Position(target, position.entered_at, position.visit + back)


def _first_exit(reasons: frozenset[str]) -> str:
    rank = {reason: place for place, reason in enumerate(EXIT_PRIORITY)}
    return min(reasons, key=lambda reason: (rank.get(reason, len(rank)), reason))


def _check_step(step: Step, order: Mapping[str, int]) -> None:
    for target in (step.then, step.otherwise):
        if target is not None and step.kind is not StepKind.BRANCH:
            raise ValueError(f"Step {step.key!r} is no branch, so it cannot name the step to go to.")
        if target is not None and target not in order:
            raise ValueError(f"Step {step.key!r} leads to {target!r}, which does not exist.")
    if step.kind is StepKind.WAIT and (step.wait is None or step.wait < timedelta(0)):
        raise ValueError(f"Step {step.key!r} waits, but for how long is not said.")
    if step.kind is StepKind.MESSAGE and not step.channel:
        raise ValueError(f"Step {step.key!r} is a message without a channel.")
