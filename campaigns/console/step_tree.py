"""A campaign file's flat steps as a tree of lanes, and back: what the step list draws and edits.

In the file a BRANCH (and a WAIT for a condition) names where to go for yes and for no, a SPLIT where each of its ways
goes, and steps fall through to the one that follows. Drawn, those are lanes that meet again. Where several lanes hold
steps, each but the last written ends in a BRANCH that is always true and leads to the meeting point: the file knows no
other way to jump ahead. A GOTO that leads back stands in its lane as every other step does.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from campaigns.console.asked import asked_steps
from campaigns.sequences.step_file import LONGEST_KEY

Step = dict[str, Any]

ALWAYS: dict[str, Any] = {"all": []}
LAST_KEY = "end"
MEET = "-meet"


class NotALaneError(ValueError):
    """The file's branches jump in ways that lanes cannot show; its steps can be read but not rearranged here."""


class StepError(ValueError):
    """The change cannot be made; the message says why, for the person who asked for it."""


@dataclass(slots=True)
class Node:
    """`yes` and `no` are filled for a BRANCH and a WAIT for a condition only, `ways` for a SPLIT."""

    step: Step
    yes: list[Node] = field(default_factory=list)
    no: list[Node] = field(default_factory=list)
    ways: dict[str, list[Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in sorted(self.step.get("ways", {})):
            self.ways.setdefault(name, [])

    @property
    def key(self) -> str:
        return str(self.step["key"])

    @property
    def kind(self) -> str:
        return str(self.step["kind"])

    @property
    def back_to(self) -> str:
        """The step that a GOTO leads back to; empty for every other step."""
        return str(self.step["to"]) if self.kind == "GOTO" else ""

    @property
    def lanes(self) -> dict[str, list[Node]]:
        """By name, in the order they are drawn; empty for a step that everybody leaves in the same way."""
        if self.kind == "SPLIT":
            return self.ways
        return {"yes": self.yes, "no": self.no} if forks(self.step) else {}


def read_tree(steps: Sequence[Step]) -> list[Node]:
    """Raises NotALaneError. A closing EXIT is left out: everybody leaves there anyway."""
    places = {step["key"]: place for place, step in enumerate(steps)}
    tree = _read(steps, places, 0, len(steps), set())
    if tree and tree[-1].kind == "EXIT":
        tree.pop()
    keys = {node.key for node in walk(tree)}
    astray = next((node.key for node in walk(tree) if node.back_to and node.back_to not in keys), "")
    if astray:
        raise NotALaneError(astray)
    return tree


def write_steps(tree: Sequence[Node]) -> list[Step]:
    """The file's steps. An EXIT closes them where a branch needs somewhere to lead to."""
    keys = {node.key for node in walk(tree)}
    last = _free_key(LAST_KEY, keys)
    steps = list(_write(tree, last))
    if any(last in _targets(step).values() for step in steps):
        steps.append({"key": last, "kind": "EXIT"})
    return steps


def number_steps(steps: Sequence[Step]) -> dict[str, int]:
    """{key: the number it is drawn with}: as one reads the lanes, or as written where lanes cannot show the steps."""
    try:
        keys = [node.key for node in walk(read_tree(steps))]
    except NotALaneError:
        keys = [str(step["key"]) for step in steps]
    return {key: number for number, key in enumerate(keys, start=1)}


def walk(tree: Sequence[Node]) -> Iterator[Node]:
    for node in tree:
        yield node
        for lane in node.lanes.values():
            yield from walk(lane)


def find(tree: Sequence[Node], key: str) -> Node:
    for node in walk(tree):
        if node.key == key:
            return node
    raise StepError(_("This step is not there any more."))


def move(tree: list[Node], key: str, by: int) -> None:
    """One place up (-1) or down (1) in its lane."""
    lane = _lane_of(tree, key)
    place = next(index for index, node in enumerate(lane) if node.key == key)
    if not 0 <= place + by < len(lane):
        raise StepError(_("The step cannot go further in this direction."))
    lane[place], lane[place + by] = lane[place + by], lane[place]


def duplicate(tree: list[Node], key: str) -> str:
    """A copy right after it, with its lanes; returns the copy's key."""
    lane = _lane_of(tree, key)
    place = next(index for index, node in enumerate(lane) if node.key == key)
    twin = copy.deepcopy(lane[place])
    taken = {node.key for node in walk(tree)}
    renamed: dict[str, str] = {}
    for node in walk([twin]):
        old = node.key
        node.step["key"] = renamed[old] = new_key(old.rpartition("-")[0] or old, taken)
        taken.add(node.key)
    for node in walk([twin]):
        if node.back_to:
            node.step["to"] = renamed.get(node.back_to, node.back_to)
    lane.insert(place + 1, twin)
    return twin.key


def remove(tree: list[Node], key: str) -> None:
    """With everything in its lanes."""
    check_unneeded(tree, {node.key for node in walk([find(tree, key)])})
    lane = _lane_of(tree, key)
    lane[:] = [node for node in lane if node.key != key]


def check_unneeded(tree: Sequence[Node], gone: set[str]) -> None:
    """Whether the steps of these keys may go: nothing that stays asks about them or leads back to them. Raises
    StepError."""
    staying = [node for node in walk(tree) if node.key not in gone]
    if any(asked_steps(node.step) & gone for node in staying):
        raise StepError(_("A later question is about this message: change or remove that one first."))
    if any(node.back_to in gone for node in staying):
        raise StepError(_("A later step leads back to this one: change or remove that one first."))


def put_into(tree: list[Node], key: str, branch: str, lane: str) -> None:
    """To the end of a lane of the step `branch`, before what ends the campaign there. Raises StepError."""
    node, target = find(tree, key), find(tree, branch)
    if any(one.key == branch for one in walk([node])):
        raise StepError(_("A question cannot move into its own lanes."))
    into, place = lane_of(target, lane), _lane_of(tree, key)
    place[:] = [one for one in place if one.key != key]
    into.insert(len(into) - (bool(into) and into[-1].kind == "EXIT"), node)


def put_out(tree: list[Node], key: str) -> None:
    """Out of its lane, to right after the step that the lane belongs to. Raises StepError."""
    owner = owner_of(tree, key)
    if owner is None:
        raise StepError(_("This step stands in no lane."))
    node, lane = find(tree, key), _lane_of(tree, key)
    lane[:] = [one for one in lane if one.key != key]
    around = _lane_of(tree, owner.key)
    around.insert(next(place for place, one in enumerate(around) if one.key == owner.key) + 1, node)


def passed(tree: Sequence[Node], key: str) -> list[tuple[Node, bool]]:
    """What somebody who stands at the step may have come through, in order; whether everybody did: the lanes of an
    earlier question are only one of two ways. Raises StepError."""
    found = _passed(tree, key)
    if found is None:
        raise StepError(_("This step is not there any more."))
    return found


def come_through(tree: Sequence[Node], key: str) -> list[Node]:
    """The steps that everybody came through who leaves the step, itself the last. Raises StepError."""
    return [*(node for node, is_sure in passed(tree, key) if is_sure), find(tree, key)]


def _passed(lane: Sequence[Node], key: str) -> list[tuple[Node, bool]] | None:
    before: list[tuple[Node, bool]] = []
    for node in lane:
        if node.key == key:
            return before
        for inner in node.lanes.values():
            within = _passed(inner, key)
            if within is not None:
                return [*before, (node, True), *within]
        before += [(node, True), *((one, False) for lane in node.lanes.values() for one in walk(lane))]
    return None


def owner_of(tree: Sequence[Node], key: str) -> Node | None:
    """The step in whose lane the step stands; None for a step outside of all lanes."""
    for node in walk(tree):
        if any(one.key == key for lane in node.lanes.values() for one in lane):
            return node
    return None


def insert(tree: list[Node], step: Step, *, after: str = "", lane: str = "") -> None:
    """After a step; at the start of the lane of that name which it has; without either at the very start."""
    node = Node(step)
    if lane:
        lane_of(find(tree, after), lane).insert(0, node)
    elif after:
        place = _lane_of(tree, after)
        index = next(index for index, one in enumerate(place) if one.key == after)
        place.insert(index + 1, node)
    else:
        tree.insert(0, node)


def check_order(tree: Sequence[Node]) -> None:
    """A question about a message comes after it, a way back leads to what came before, and nothing comes after an end.
    Raises StepError."""
    seen: set[str] = set()
    for node in walk(tree):
        if not asked_steps(node.step) <= seen:
            raise StepError(_("A question about a message must come after that message."))
        if node.back_to and node.back_to not in {one.key for one, _sure in passed(tree, node.key)}:
            raise StepError(_("A way back leads to a step that people came through: it must stand after that step."))
        seen.add(node.key)
    for lane in lanes(tree):
        if any(node.kind == "EXIT" for node in lane[:-1]):
            raise StepError(_("Nobody comes past a step that ends the campaign: it stands last in its lane."))


def lanes(tree: Sequence[Node]) -> Iterator[Sequence[Node]]:
    """The whole first, then every lane inside it."""
    yield tree
    for node in walk(tree):
        yield from node.lanes.values()


def lane_of(node: Node, name: str) -> list[Node]:
    """Raises StepError."""
    if name not in node.lanes:
        raise StepError(_("This step is not there any more."))
    return node.lanes[name]


def new_key(stem: str, taken: set[str]) -> str:
    """`mail-2`: the stem and the first number that is free."""
    number = 1
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def _free_key(key: str, taken: set[str]) -> str:
    return key if key not in taken else new_key(key, taken)


def _lane_of(tree: list[Node], key: str) -> list[Node]:
    if any(node.key == key for node in tree):
        return tree
    for node in walk(tree):
        for lane in node.lanes.values():
            if any(one.key == key for one in lane):
                return lane
    raise StepError(_("This step is not there any more."))


def forks(step: Mapping[str, Any]) -> bool:
    """Whether not everybody goes on from it in the same way."""
    return step["kind"] in ("BRANCH", "SPLIT") or is_asking(step)


def is_asking(step: Mapping[str, Any]) -> bool:
    """A wait that ends when something happens, at the latest after a while."""
    return step["kind"] == "WAIT" and "until" in step and not {"time", "weekday"} & set(step["until"])


def _is_jump(step: Step) -> bool:
    return step["kind"] == "BRANCH" and step.get("if") == ALWAYS and "then" in step


def _targets(step: Step) -> dict[str, str]:
    """{lane: the key it leads to}; empty keys are the step that follows."""
    if step["kind"] == "SPLIT":
        return {name: way.get("then", "") for name, way in step["ways"].items()}
    return {"yes": step.get("then", ""), "no": step.get("else", "")} if forks(step) else {}


def _read(steps: Sequence[Step], places: dict[str, int], start: int, stop: int, meeting: set[int]) -> list[Node]:
    """The lane that is steps[start:stop]. Targets in `meeting` are where this lane meets the other ones."""
    nodes: list[Node] = []
    place = start
    while place < stop:
        if steps[place]["kind"] == "GOTO" and places[steps[place]["to"]] >= place:
            raise NotALaneError(steps[place]["key"])
        if not forks(steps[place]):
            nodes.append(Node(steps[place]))
            place += 1
            continue
        node, place = _read_fork(steps, places, place, stop, meeting)
        nodes.append(node)
    return nodes


def _read_fork(
    steps: Sequence[Step], places: dict[str, int], place: int, stop: int, meeting: set[int]
) -> tuple[Node, int]:
    """The step with its lanes, and where they meet."""
    step = steps[place]

    def index(key: str) -> int:
        found = places[key] if key else place + 1
        return stop if found in meeting else found

    begins = {name: index(key) for name, key in _targets(step).items()}
    starts = sorted(set(begins.values()))
    if starts[0] not in (place + 1, stop) or starts[-1] > stop:
        raise NotALaneError(step["key"])
    regions = list(itertools.pairwise(starts))
    jumps = {near: steps[far - 1]["then"] for near, far in regions if _is_jump(steps[far - 1])}
    led = {index(key) for key in jumps.values()} or {starts[-1]}
    meets = max(led)
    if len(led) > 1 or not starts[-1] <= meets <= stop:
        raise NotALaneError(step["key"])
    ends = {near: far - (near in jumps) for near, far in regions} | {starts[-1]: meets}
    around = meeting | {meets}
    lanes = {near: _read(steps, places, near, end, around) for near, end in ends.items() if near < meets}
    for near, far in regions:
        ends_there = near in jumps or (bool(lanes[near]) and lanes[near][-1].kind == "EXIT")
        if far != meets and not ends_there:
            raise NotALaneError(step["key"])
    if sum(begin < meets for begin in begins.values()) > len(lanes):
        raise NotALaneError(step["key"])
    node = Node(step)
    for name, begin in begins.items():
        node.lanes[name].extend(lanes.get(begin, []))
    return node, meets


def _write(lane: Sequence[Node], following: str) -> Iterator[Step]:
    for place, node in enumerate(lane):
        after = lane[place + 1].key if place + 1 < len(lane) else following
        yield _told(node, after)
        filled = [inner for _name, inner in _in_order_written(node) if inner]
        for number, inner in enumerate(filled, start=1):
            yield from _write(inner, after)
            if number < len(filled) and inner[-1].kind != "EXIT":
                yield {"key": _meeting_key(node.key, number), "kind": "BRANCH", "if": ALWAYS, "then": after}


def _told(node: Node, after: str) -> Step:
    """The step with where its lanes begin. Only a question must say so where they are all empty."""
    if not node.lanes:
        return node.step
    begins = {name: lane[0].key if lane else after for name, lane in node.lanes.items()}
    says_so = node.kind == "BRANCH" or any(node.lanes.values())
    if node.kind == "SPLIT":
        shares = {name: {key: value for key, value in way.items() if key != "then"} for name, way in _ways(node)}
        return {
            **node.step,
            "ways": {name: way | ({"then": begins[name]} if says_so else {}) for name, way in shares.items()},
        }
    step = {name: value for name, value in node.step.items() if name not in ("then", "else")}
    return step | ({"then": begins["yes"], "else": begins["no"]} if says_so else {})


def _ways(node: Node) -> list[tuple[str, dict[str, Any]]]:
    return sorted(node.step["ways"].items())


def _in_order_written(node: Node) -> list[tuple[str, list[Node]]]:
    """The lane of no comes first."""
    lanes = list(node.lanes.items())
    return lanes if node.kind == "SPLIT" else lanes[::-1]


def _meeting_key(key: str, number: int) -> str:
    tail = MEET if number == 1 else f"{MEET}-{number}"
    return f"{key[: LONGEST_KEY - len(tail)]}{tail}"
