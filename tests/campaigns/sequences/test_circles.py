"""Ways that come back to where they were, at once or over time."""

from __future__ import annotations

from typing import Any

from campaigns.sequences import circles, step_file
from campaigns.sequences.circles import Circle
from tests.factories import sequences as make

MAIL, _, _, BANNER, END = make.document()["steps"]
ASKED = {"engagement": "clicked"}
PAUSE = {"key": "pause", "kind": "WAIT", "for": "1d"}


def found(*steps: dict[str, Any]) -> list[Circle]:
    return circles.find_circles(steps=step_file.parse_steps(list(steps)))


def branch(key: str, **targets: str) -> dict[str, Any]:
    return {"key": key, "kind": "BRANCH", "if": ASKED, **targets}


def asking(**targets: str) -> dict[str, Any]:
    return {"key": "asking", "kind": "WAIT", "until": ASKED, "at_most": "3d", **targets}


def split(**ways: dict[str, Any]) -> dict[str, Any]:
    return {"key": "half", "kind": "SPLIT", "ways": ways}


def test_steps_one_after_the_other_are_no_circle():
    assert found(MAIL, PAUSE, BANNER, END) == []


def test_a_circle_at_once_names_the_first_message_on_its_way():
    assert found(MAIL, BANNER, branch("again", then="mail-1")) == [Circle(2, 0, is_at_once=True, message="mail-1")]


def test_a_step_that_leads_to_itself_sends_nothing_and_is_a_circle():
    assert found(MAIL, PAUSE, branch("again", **{"else": "again"})) == [Circle(2, 2, is_at_once=True)]


def test_a_wait_that_can_be_gone_round_is_no_wait_between():
    assert found(MAIL, branch("skip", then="again"), PAUSE, branch("again", then="mail-1")) == [
        Circle(3, 0, is_at_once=True, message="mail-1")
    ]


def test_a_wait_on_the_way_counts_wherever_it_is_written():
    steps = (MAIL, branch("jump", then="pause", **{"else": "end"}), branch("again", then="mail-1"), END, PAUSE)
    away = [*steps, branch("back", then="again", **{"else": "again"})]
    assert found(*away) == [Circle(2, 0, is_at_once=False), Circle(5, 2, is_at_once=False)]


def test_a_jump_to_what_was_left_out_is_no_circle():
    steps = [MAIL, branch("late", then="then-this"), BANNER, END, {**PAUSE, "key": "then-this"}]
    assert found(*steps, branch("back", then=BANNER["key"], **{"else": BANNER["key"]})) == []


def test_a_wait_for_a_condition_leads_back_at_once_when_it_holds_and_late_when_it_does_not():
    assert found(MAIL, asking(then="mail-1")) == [Circle(1, 0, is_at_once=True, message="mail-1")]
    assert found(MAIL, asking(**{"else": "mail-1"})) == [Circle(1, 0, is_at_once=False)]


def test_only_a_way_that_is_drawn_leads_back():
    drawn, other = {"weight": 50, "then": "mail-1"}, {"weight": 50}
    assert found(MAIL, split(a=drawn, b=other)) == [Circle(1, 0, is_at_once=True, message="mail-1")]
    assert found(MAIL, split(a=drawn | {"weight": 0}, b={"weight": 100})) == []
