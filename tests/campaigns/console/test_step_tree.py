from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.console import asked, step_tree
from campaigns.console.step_tree import Node, NotALaneError, StepError


def message(key):
    return {"key": key, "kind": "MESSAGE", "channel": "email"}


def question(key, then=None, otherwise=None, asked="mail-1"):
    made = {"key": key, "kind": "BRANCH", "if": {"engagement": "clicked", "step": asked}}
    return made | ({"then": then} if then else {}) | ({"else": otherwise} if otherwise else {})


def shape(tree):
    return [(node.key, *map(shape, node.lanes.values())) if node.lanes else node.key for node in tree]


END = {"key": "end", "kind": "EXIT"}
FILE = [
    message("mail-1"),
    {"key": "wait-1", "kind": "WAIT", "for": "3d"},
    question("seen", "end", "banner"),
    message("banner"),
    END,
]


def test_a_branch_that_jumps_over_steps_has_them_in_one_lane():
    assert shape(step_tree.read_tree(FILE)) == ["mail-1", "wait-1", ("seen", [], ["banner"])]


def test_a_file_comes_back_as_it_was():
    assert step_tree.write_steps(step_tree.read_tree(FILE)) == FILE


def test_two_filled_lanes_meet_again():
    tree = step_tree.read_tree(FILE)
    step_tree.insert(tree, message("thanks"), after="seen", lane="yes")
    step_tree.insert(tree, message("last"), after="seen")
    steps = step_tree.write_steps(tree)
    targets = {step["key"]: (step.get("then"), step.get("else")) for step in steps if step["kind"] == "BRANCH"}
    assert [step["key"] for step in steps] == ["mail-1", "wait-1", "seen", "banner", "seen-meet", "thanks", "last"]
    assert targets == {"seen": ("thanks", "banner"), "seen-meet": ("last", None)}
    assert shape(step_tree.read_tree(steps)) == ["mail-1", "wait-1", ("seen", ["thanks"], ["banner"]), "last"]


def test_a_branch_that_leads_back_is_no_lane():
    with pytest.raises(NotALaneError):
        step_tree.read_tree([message("mail-1"), message("mail-2"), question("again", "mail-1", "end"), END])


def test_a_step_moves_past_a_whole_branch():
    tree = step_tree.read_tree(FILE)
    step_tree.insert(tree, message("last"), after="seen")
    step_tree.move(tree, "last", -1)
    assert shape(tree) == ["mail-1", "wait-1", "last", ("seen", [], ["banner"])]


def test_a_question_may_not_come_before_its_message():
    tree = step_tree.read_tree([message("mail-1"), question("seen", "end", "banner"), message("banner"), END])
    step_tree.move(tree, "seen", -1)
    with pytest.raises(StepError, match="must come after"):
        step_tree.check_order(tree)


def test_a_message_that_is_asked_about_stays():
    tree = step_tree.read_tree(FILE)
    with pytest.raises(StepError, match="A later question"):
        step_tree.remove(tree, "mail-1")


def test_a_branch_goes_with_its_lanes():
    tree = step_tree.read_tree(FILE)
    step_tree.remove(tree, "seen")
    assert shape(tree) == ["mail-1", "wait-1"]


def test_a_copy_has_keys_of_its_own():
    tree = step_tree.read_tree(FILE)
    assert step_tree.duplicate(tree, "mail-1") == "mail-2"
    assert shape(tree)[:2] == ["mail-1", "mail-2"]


@st.composite
def trees(draw, depth=2):
    """Any nesting of lanes, with keys that are given afterwards."""
    nodes = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["MESSAGE", "BRANCH", "WAIT", "SPLIT"])) if depth else "MESSAGE"
        if kind == "SPLIT":
            ways = {name: draw(trees(depth - 1)) for name in "abcd"[: draw(st.integers(2, 4))]}
            nodes.append(Node({"kind": kind, "ways": {name: {"weight": 25} for name in ways}}, ways=ways))
        elif kind != "MESSAGE":
            asked = {"if" if kind == "BRANCH" else "until": {"engagement": "clicked"}}
            nodes.append(Node({"kind": kind, **asked}, draw(trees(depth - 1)), draw(trees(depth - 1))))
        else:
            nodes.append(Node({"kind": "MESSAGE"}))
    return nodes


@given(trees())
def test_every_tree_survives_being_a_file(tree):
    tree.insert(0, Node({"kind": "MESSAGE"}))
    for number, node in enumerate(step_tree.walk(tree)):
        node.step["key"] = f"s{number}"
    steps = step_tree.write_steps(tree)
    assert shape(step_tree.read_tree(steps)) == shape(tree)
    assert len({step["key"] for step in steps}) == len(steps)


SPLIT = {"key": "half", "kind": "SPLIT", "ways": {"a": {"weight": 40}, "b": {"weight": 30}, "c": {"weight": 30}}}


def test_three_ways_meet_again():
    tree = step_tree.read_tree([message("mail-1"), SPLIT, message("last")])
    step_tree.insert(tree, message("one"), after="half", lane="a")
    step_tree.insert(tree, message("two"), after="half", lane="b")
    step_tree.insert(tree, message("three"), after="half", lane="c")
    steps = step_tree.write_steps(tree)
    assert [step["key"] for step in steps] == [
        "mail-1", "half", "one", "half-meet", "two", "half-meet-2", "three", "last",
    ]  # fmt: skip
    assert {name: way["then"] for name, way in steps[1]["ways"].items()} == {"a": "one", "b": "two", "c": "three"}
    assert shape(step_tree.read_tree(steps)) == ["mail-1", ("half", ["one"], ["two"], ["three"]), "last"]


def test_a_way_that_ends_needs_no_meeting_point():
    tree = step_tree.read_tree([message("mail-1"), SPLIT, message("last")])
    step_tree.insert(tree, {"key": "leave", "kind": "EXIT"}, after="half", lane="a")
    step_tree.insert(tree, message("two"), after="half", lane="b")
    steps = step_tree.write_steps(tree)
    assert [step["key"] for step in steps] == ["mail-1", "half", "leave", "two", "last"]
    assert shape(step_tree.read_tree(steps)) == ["mail-1", ("half", ["leave"], ["two"], []), "last"]


def test_a_split_with_empty_lanes_says_no_target():
    steps = [message("mail-1"), SPLIT, message("last")]
    assert step_tree.write_steps(step_tree.read_tree(steps)) == steps


def test_two_ways_into_one_lane_are_no_lanes():
    ways = {"a": {"weight": 40, "then": "one"}, "b": {"weight": 30, "then": "one"}, "c": {"weight": 30, "then": "last"}}
    with pytest.raises(NotALaneError):
        step_tree.read_tree([message("mail-1"), SPLIT | {"ways": ways}, message("one"), message("last")])


def test_a_wait_for_a_condition_has_lanes_and_one_for_a_time_has_none():
    asks = {"key": "asks", "kind": "WAIT", "until": {"engagement": "clicked", "step": "mail-1"}, "at_most": "7d"}
    local = {"key": "local", "kind": "WAIT", "until": {"time": "09:00"}}
    steps = [message("mail-1"), local, asks | {"then": "end", "else": "again"}, message("again"), END]
    tree = step_tree.read_tree(steps)
    assert shape(tree) == ["mail-1", "local", ("asks", [], ["again"])]
    assert step_tree.write_steps(tree) == steps


def test_a_step_moves_into_a_lane_and_out_again():
    tree = step_tree.read_tree([*FILE[:-1], END])
    step_tree.put_into(tree, "wait-1", "seen", "yes")
    assert shape(tree) == ["mail-1", ("seen", ["wait-1"], ["banner"])]
    step_tree.put_into(tree, "wait-1", "seen", "no")
    assert shape(tree) == ["mail-1", ("seen", [], ["banner", "wait-1"])]
    step_tree.put_out(tree, "wait-1")
    assert shape(tree) == ["mail-1", ("seen", [], ["banner"]), "wait-1"]


def test_a_step_that_moves_into_a_lane_stands_before_its_end():
    tree = step_tree.read_tree(FILE)
    step_tree.insert(tree, {"key": "leave", "kind": "EXIT"}, after="seen", lane="yes")
    step_tree.put_into(tree, "wait-1", "seen", "yes")
    assert shape(tree) == ["mail-1", ("seen", ["wait-1", "leave"], ["banner"])]


def test_a_question_does_not_move_into_its_own_lanes():
    tree = step_tree.read_tree(FILE)
    step_tree.insert(tree, question("inner", asked="mail-1"), after="seen", lane="yes")
    with pytest.raises(StepError, match="its own lanes"):
        step_tree.put_into(tree, "seen", "inner", "yes")
    assert shape(tree)[2] == ("seen", [("inner", [], [])], ["banner"])


def test_a_step_in_no_lane_cannot_move_out_of_one():
    with pytest.raises(StepError, match="in no lane"):
        step_tree.put_out(step_tree.read_tree(FILE), "mail-1")


def test_a_lane_may_end_the_campaign_and_comes_back_so():
    tree = step_tree.read_tree(FILE)
    step_tree.insert(tree, {"key": "leave", "kind": "EXIT"}, after="seen", lane="yes")
    step_tree.insert(tree, message("last"), after="seen")
    step_tree.check_order(tree)
    steps = step_tree.write_steps(tree)
    assert [step["key"] for step in steps] == ["mail-1", "wait-1", "seen", "banner", "seen-meet", "leave", "last"]
    assert shape(step_tree.read_tree(steps)) == ["mail-1", "wait-1", ("seen", ["leave"], ["banner"]), "last"]


def test_nothing_stands_behind_an_end():
    tree = step_tree.read_tree(FILE)
    step_tree.insert(tree, {"key": "leave", "kind": "EXIT"}, after="mail-1")
    with pytest.raises(StepError, match="last in its lane"):
        step_tree.check_order(tree)


def test_what_somebody_came_through_is_their_own_way_only():
    tree = step_tree.read_tree(FILE)
    step_tree.insert(tree, message("thanks"), after="seen", lane="yes")
    step_tree.insert(tree, message("last"), after="seen")

    def way(key):
        return [(node.key, is_sure) for node, is_sure in step_tree.passed(tree, key)]

    sure = [("mail-1", True), ("wait-1", True), ("seen", True)]
    assert way("banner") == way("thanks") == sure
    assert way("last") == [*sure, ("thanks", False), ("banner", False)]


def test_every_message_in_a_condition_is_asked_about():
    about = {"all": [{"engagement": "opened", "step": "a"}, {"not": {"any": [{"engagement": "clicked", "step": "b"}]}},
                     {"engagement": "clicked", "step": "c", "campaign": "another"}]}  # fmt: skip
    assert asked.asked_steps({"key": "q", "kind": "BRANCH", "if": about}) == {"a", "b"}


def test_a_long_key_leaves_room_for_the_meeting_point():
    long = "q" * 40
    tree = [Node(message("m")), Node(question(long, asked="m"), [Node(message("y"))], [Node(message("n"))])]
    assert max(len(step["key"]) for step in step_tree.write_steps(tree)) == 40
