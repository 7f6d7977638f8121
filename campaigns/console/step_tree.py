"""A campaign file's flat steps as a tree of lanes, and back: what the step list draws and edits.

In the file a BRANCH names where to go for yes and for no, and steps fall through to the one that follows. Drawn,
that is two lanes that meet again. Where both lanes hold steps, the first written ends in a BRANCH that is always
true and leads to the meeting point: the file knows no other way to jump.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

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
    """`yes` and `no` are filled for a BRANCH only."""

    step: Step
    yes: list[Node] = field(default_factory=list)
    no: list[Node] = field(default_factory=list)

    @property
    def key(self) -> str:
        return str(self.step["key"])

    @property
    def kind(self) -> str:
        return str(self.step["kind"])


def read_tree(steps: Sequence[Step]) -> list[Node]:
    """Raises NotALaneError. A closing EXIT is left out: everybody leaves there anyway."""
    places = {step["key"]: place for place, step in enumerate(steps)}
    tree = _read(steps, places, 0, len(steps), set())
    if tree and tree[-1].kind == "EXIT":
        tree.pop()
    return tree


def write_steps(tree: Sequence[Node]) -> list[Step]:
    """The file's steps. An EXIT closes them where a branch needs somewhere to lead to."""
    keys = {node.key for node in walk(tree)}
    last = _free_key(LAST_KEY, keys)
    steps = list(_write(tree, last))
    if any(last in (step.get("then"), step.get("else")) for step in steps):
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
        yield from walk(node.yes)
        yield from walk(node.no)


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
    for node in walk([twin]):
        node.step["key"] = new_key(node.step["key"].rpartition("-")[0] or node.step["key"], taken)
        taken.add(node.step["key"])
    lane.insert(place + 1, twin)
    return twin.key


def remove(tree: list[Node], key: str) -> None:
    """With everything in its lanes."""
    gone = {node.key for node in walk([find(tree, key)])}
    if any(node.key not in gone and asked_steps(node.step) & gone for node in walk(tree)):
        raise StepError(_("A later question is about this message: change or remove that one first."))
    lane = _lane_of(tree, key)
    lane[:] = [node for node in lane if node.key != key]


def put_into(tree: list[Node], key: str, branch: str, lane: str) -> None:
    """To the end of a branch's lane (`yes` or `no`), before what ends the campaign there. Raises StepError."""
    node, target = find(tree, key), find(tree, branch)
    if any(one.key == branch for one in walk([node])):
        raise StepError(_("A question cannot move into its own lanes."))
    place = _lane_of(tree, key)
    place[:] = [one for one in place if one.key != key]
    into = target.yes if lane == "yes" else target.no
    into.insert(len(into) - (bool(into) and into[-1].kind == "EXIT"), node)


def put_out(tree: list[Node], key: str) -> None:
    """Out of its lane, to right after the question that the lane belongs to. Raises StepError."""
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


def _passed(lane: Sequence[Node], key: str) -> list[tuple[Node, bool]] | None:
    before: list[tuple[Node, bool]] = []
    for node in lane:
        if node.key == key:
            return before
        for inner in (node.yes, node.no):
            within = _passed(inner, key)
            if within is not None:
                return [*before, (node, True), *within]
        before += [(node, True), *((one, False) for one in walk([*node.yes, *node.no]))]
    return None


def owner_of(tree: Sequence[Node], key: str) -> Node | None:
    """The question in whose lane the step stands; None for a step outside of all lanes."""
    for node in walk(tree):
        if any(one.key == key for one in (*node.yes, *node.no)):
            return node
    return None


def insert(tree: list[Node], step: Step, *, after: str = "", lane: str = "") -> None:
    """After a step; at the start of a branch's lane (`lane` yes or no); without either at the very start."""
    node = Node(step)
    if lane:
        branch = find(tree, after)
        (branch.yes if lane == "yes" else branch.no).insert(0, node)
    elif after:
        place = _lane_of(tree, after)
        index = next(index for index, one in enumerate(place) if one.key == after)
        place.insert(index + 1, node)
    else:
        tree.insert(0, node)


def check_order(tree: Sequence[Node]) -> None:
    """A question about a message comes after it, and nothing comes after an end. Raises StepError."""
    seen: set[str] = set()
    for node in walk(tree):
        if not asked_steps(node.step) <= seen:
            raise StepError(_("A question about a message must come after that message."))
        seen.add(node.key)
    for lane in lanes(tree):
        if any(node.kind == "EXIT" for node in lane[:-1]):
            raise StepError(_("Nobody comes past a step that ends the campaign: it stands last in its lane."))


def lanes(tree: Sequence[Node]) -> Iterator[Sequence[Node]]:
    """The whole first, then every lane inside it."""
    yield tree
    for node in walk(tree):
        if node.kind == "BRANCH":
            yield from (node.yes, node.no)


def asked_steps(step: Step) -> set[str]:
    """The messages of this campaign that a branch, or a wait for a condition, asks about; none for any other step."""
    return set(_asked(step.get("if") or step.get("until")))


def _asked(condition: object) -> Iterator[str]:
    if isinstance(condition, list):
        for one in condition:
            yield from _asked(one)
    elif isinstance(condition, dict):
        if "engagement" in condition and "campaign" not in condition and condition.get("step"):
            yield str(condition["step"])
        for name in ("all", "any", "not", "any_contact", "any_account"):
            yield from _asked(condition.get(name))


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
        for lane in (node.yes, node.no):
            if any(one.key == key for one in lane):
                return lane
    raise StepError(_("This step is not there any more."))


def _leads_away(step: Step) -> bool:
    """A wait, a split or a jump that names where to go: no lanes are drawn for those."""
    return bool({"then", "else", "to"} & set(step)) or any("then" in way for way in step.get("ways", {}).values())


def _is_jump(step: Step) -> bool:
    return step["kind"] == "BRANCH" and step.get("if") == ALWAYS and "then" in step


def _read(steps: Sequence[Step], places: dict[str, int], start: int, stop: int, meeting: set[int]) -> list[Node]:
    """The lane that is steps[start:stop]. Targets in `meeting` are where this lane meets the other one."""
    nodes: list[Node] = []
    place = start
    while place < stop:
        step = steps[place]
        if step["kind"] != "BRANCH":
            if _leads_away(step):
                raise NotALaneError(step["key"])
            nodes.append(Node(step))
            place += 1
            continue
        node, place = _read_branch(steps, places, place, stop, meeting)
        nodes.append(node)
    return nodes


def _read_branch(
    steps: Sequence[Step], places: dict[str, int], place: int, stop: int, meeting: set[int]
) -> tuple[Node, int]:
    """The branch with its lanes, and where they meet."""

    def target(name: str) -> int:
        key = steps[place].get(name)
        index = places[key] if key else place + 1
        return stop if index in meeting else index

    yes, no = target("then"), target("else")
    near, far = min(yes, no), max(yes, no)
    if near not in (place + 1, stop) or far > stop:
        raise NotALaneError(steps[place]["key"])
    end, meets = far, far
    if near < far and _is_jump(steps[far - 1]):
        led_to = places[steps[far - 1]["then"]]
        end, meets = far - 1, stop if led_to in meeting else led_to
        if not far <= meets <= stop:
            raise NotALaneError(steps[far - 1]["key"])
    around = meeting | {meets}
    first = _read(steps, places, near, end, around)
    second = _read(steps, places, far, meets, around)
    node = Node(steps[place])
    node.yes, node.no = (first, second) if yes <= no else (second, first)
    return node, meets


def _write(lane: Sequence[Node], following: str) -> Iterator[Step]:
    for place, node in enumerate(lane):
        after = lane[place + 1].key if place + 1 < len(lane) else following
        if node.kind != "BRANCH":
            yield node.step
            continue
        yield {
            **node.step,
            "then": node.yes[0].key if node.yes else after,
            "else": node.no[0].key if node.no else after,
        }
        yield from _write(node.no, after)
        if node.yes and node.no and node.no[-1].kind != "EXIT":
            yield {"key": _meeting_key(node.key), "kind": "BRANCH", "if": ALWAYS, "then": after}
        yield from _write(node.yes, after)


def _meeting_key(key: str) -> str:
    return f"{key[: LONGEST_KEY - len(MEET)]}{MEET}"
