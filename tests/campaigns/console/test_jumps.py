"""Ways back to an earlier step: added, changed, kept in order, and refused in words where people would go round."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.console import step_tree
from campaigns.sequences.models import Campaign
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db

MAIL, _, ASKED, BANNER, END = make.document()["steps"]
PAUSE = {"key": "pause", "kind": "WAIT", "for": "2d"}
BACK = {"key": "back", "kind": "GOTO", "to": "mail-1", "at_most": 2}


@pytest.fixture(scope="module")
def market(shared_rows):
    make.market()
    make.ready_account()


@pytest.fixture(autouse=True)
def at_launch_day(market):
    with time_machine.travel(make.NOW, tick=False):
        yield


def page(name, *args):
    return reverse(f"admin:studio-campaign{name}", args=["seats-80", *args])


def steps_of():
    version = Campaign.objects.get().draft_version
    assert version is not None
    return version.definition["steps"]


def press(marketer, what):
    return words_of(marketer.post(page("-steps"), {"do": what}, follow=True))


def test_a_way_back_is_added_changed_and_undone(marketer):
    make.drafted(steps=[MAIL, PAUSE, BANNER])
    marketer.post(page("-steps"), {"do": "add goto banner"})
    assert steps_of()[-1] == {"key": "back-1", "kind": "GOTO", "to": "mail-1"}
    assert "Go to step 1, back at most 3 times" in words_of(marketer.get(page("")))
    form = marketer.get(page("-step", "back-1")).content.decode()
    assert "1. E-mail" in form
    assert "2. Wait 2 days" in form
    marketer.post(page("-step", "back-1"), {"to": "pause", "at_most": "1"})
    assert steps_of()[-1] == {"key": "back-1", "kind": "GOTO", "to": "pause", "at_most": 1}
    assert "Go to step 2, back at most 1 time" in words_of(marketer.get(page("")))
    marketer.post(page("-version"), {"do": "undo"})
    assert steps_of()[-1]["to"] == "mail-1"


def test_without_a_wait_before_it_no_way_back_is_added(marketer):
    make.drafted(steps=[MAIL, BANNER, PAUSE])
    assert "needs a message and a wait of some time before it" in press(marketer, "add goto banner")
    assert len(steps_of()) == 3


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"to": "banner", "at_most": "3"}, "No time passes on this way round"),
        ({"to": "later", "at_most": "3"}, "Choose a step that everybody came through before this one."),
        ({"to": "mail-1", "at_most": "0"}, "Fill in 1 or more."),
        ({"to": "mail-1", "at_most": "21"}, "Fill in 20 or less."),
        ({"to": "mail-1", "at_most": ""}, "Fill this in."),
    ],
)
def test_a_way_back_that_cannot_be_is_refused_beside_its_field(marketer, told, why):
    later = BANNER | {"key": "later"}
    make.drafted(steps=[MAIL, PAUSE, BANNER, BACK, later])
    answer = marketer.post(page("-step", "back"), told)
    assert answer.status_code == 422
    assert why in words_of(answer)
    assert steps_of()[3] == BACK


def test_a_circle_without_a_wait_is_told_at_its_step(marketer):
    make.drafted(steps=[MAIL, BANNER, BACK])
    words = words_of(marketer.get(page("")))
    assert "No time passes on this way round: people would get its messages again at once." in words
    review = words_of(marketer.get(page("-launch")))
    assert "Step 3 leads back to step 1 without a wait between" in review


def test_what_a_way_back_leads_to_stays(marketer):
    make.drafted(steps=[MAIL, BANNER, PAUSE, BACK | {"to": "banner"}])
    assert "A later step leads back to this one" in press(marketer, "remove banner")
    assert "it must stand after that step" in press(marketer, "down pause") + press(marketer, "down banner") + press(
        marketer, "up back"
    ) + press(marketer, "up back")
    assert [step["key"] for step in steps_of()].index("banner") < [step["key"] for step in steps_of()].index("back")


def test_steps_around_a_way_back_can_be_moved(marketer):
    make.drafted(steps=[MAIL, PAUSE, BANNER, BACK])
    press(marketer, "up back")
    assert [step["key"] for step in steps_of()] == ["mail-1", "pause", "back", "banner"]


def test_a_way_back_in_a_lane_comes_back_as_it_was():
    steps = [
        MAIL,
        PAUSE,
        ASKED | {"then": "banner", "else": "back"},
        BACK,
        {"key": "reacted-meet", "kind": "BRANCH", "if": step_tree.ALWAYS, "then": "end"},
        BANNER,
        END,
    ]
    tree = step_tree.read_tree(steps)
    assert [node.key for node in step_tree.find(tree, "reacted").no] == ["back"]
    assert step_tree.write_steps(tree) == steps


@pytest.mark.parametrize("to", ["banner", "reacted-meet"])
def test_a_jump_ahead_or_to_where_lanes_meet_is_read_as_the_file_has_it(to):
    meeting = {"key": "reacted-meet", "kind": "BRANCH", "if": step_tree.ALWAYS, "then": "last"}
    lanes = [MAIL, PAUSE, ASKED | {"then": "banner", "else": "wait-9"}, PAUSE | {"key": "wait-9"}, meeting, BANNER]
    last = PAUSE | {"key": "last"}
    steps = [MAIL, BACK | {"to": to}, PAUSE, BANNER] if to == "banner" else [*lanes, last, BACK | {"to": to}]
    with pytest.raises(step_tree.NotALaneError):
        step_tree.read_tree(steps)


def test_the_copy_of_a_lane_goes_back_within_itself():
    tree = step_tree.read_tree([MAIL, PAUSE, ASKED | {"then": "end", "else": "banner"}, BANNER, PAUSE | {"key": "w-1"},
                                BACK | {"to": "banner"}, END])  # fmt: skip
    twin = step_tree.duplicate(tree, "reacted")
    inner = step_tree.find(tree, twin).no
    assert inner[-1].back_to == inner[0].key != "banner"


def test_a_jump_is_read_in_words(marketer):
    make.drafted(steps=[MAIL, PAUSE, {"key": "again", "kind": "GOTO", "to": "mail-1", "at_most": 2}])
    assert "Go to step 1, back at most 2 times" in words_of(marketer.get(page("")))


def test_a_jump_to_a_later_step_leads_on_and_is_not_counted(marketer):
    on = {"key": "on", "kind": "GOTO", "to": "end"}
    make.drafted(steps=[MAIL, PAUSE, on, BANNER, END])
    assert "Go to step 5" in words_of(marketer.get(page("")))
    words = words_of(marketer.get(page("-step", "on")))
    assert "Where to go on" in words
    assert "back at most" not in words_of(marketer.get(page("")))
