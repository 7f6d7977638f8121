"""Ways through a campaign that come back to where they were."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from campaigns.sequences.step_file import StepSpec


@dataclass(frozen=True, slots=True)
class Circle:
    """The step at `place` leads back to the one at `back`, from where it is reached again. `is_at_once`: without any
    time passing; `message` is then the key of the first message on the way round, empty where there is none."""

    place: int
    back: int
    is_at_once: bool
    message: str = ""


def find_circles(*, steps: Sequence[StepSpec]) -> list[Circle]:
    """At most one for each step, in the order of the file: one without a wait before one with."""
    found = ((_at_once(place, steps) or _over_time(place, steps)) for place in range(len(steps)))
    return [circle for circle in found if circle is not None]


def _at_once(place: int, steps: Sequence[StepSpec]) -> Circle | None:
    ways = _ways(steps, at_once=True)
    back = _back(place, steps, ways)
    if back is None:
        return None
    round_trip = {key for key in _reached(steps[place].key, ways) if steps[place].key in _reached(key, ways)}
    messages = (step.key for step in steps if step.kind == "MESSAGE" and step.key in round_trip)
    return Circle(place, back, is_at_once=True, message=next(messages, ""))


def _over_time(place: int, steps: Sequence[StepSpec]) -> Circle | None:
    back = _back(place, steps, _ways(steps, at_once=False))
    return None if back is None else Circle(place, back, is_at_once=False)


def _ways(steps: Sequence[StepSpec], *, at_once: bool) -> dict[str, set[str]]:
    following = {step.key: after.key for step, after in itertools.pairwise(steps)}
    return {step.key: {one for one in targets_of(step, following, at_once=at_once) if one} for step in steps}


def _back(place: int, steps: Sequence[StepSpec], ways: Mapping[str, set[str]]) -> int | None:
    """The earliest of the places up to its own that the step leads to and that lead to it again."""
    key = steps[place].key
    places = {step.key: number for number, step in enumerate(steps[: place + 1])}
    backward = [target for target in ways[key] if target in places]
    return min((places[one] for one in backward if one == key or key in _reached(one, ways)), default=None)


def targets_of(step: StepSpec, following: Mapping[str, str], *, at_once: bool = False) -> Iterator[str | None]:
    """Where somebody may go from the step, None being the end; `at_once`: without any time passing."""
    after = following.get(step.key)
    if step.kind == "EXIT":
        return
    if step.kind == "GOTO":
        yield step.then
        # Past its last round back it is passed by.
        yield after
    elif step.condition is not None:
        yield step.then or after
        if not (at_once and step.is_asking):
            yield step.otherwise or after
    elif step.ways:
        yield from (way.then or after for way in step.ways if way.weight)
    elif not (at_once and step.kind == "WAIT"):
        yield after


def _reached(key: str, ways: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(ways[key])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += ways[one]
    return found
