"""Steps that write to nobody, and webhooks: read in words, drawn with their lanes, moved like all others."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.console import step_tree
from campaigns.sequences.models import Campaign
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db

MAIL, _, _, BANNER, END = make.document()["steps"]
CLICKED = {"engagement": "clicked", "step": "mail-1"}
LOCAL = {"key": "local", "kind": "WAIT", "until": {"time": "09:00", "weekday": "MON"}}
ASKS = {"key": "asks", "kind": "WAIT", "until": CLICKED, "at_most": "7d"}
SPLIT = {"key": "half", "kind": "SPLIT", "ways": {"a": {"weight": 40}, "b": {"weight": 60}}}
NOTE = {"key": "note", "kind": "UPDATE", "set": {"account.traits.stage": "told"}}
HOOK = {
    "key": "hook",
    "kind": "MESSAGE",
    "channel": "webhook",
    "variants": {
        "a": {
            "content": {"en": {"url": "https://hooks.example/T0/s3cret", "body": {"text": "{{ account.name }} grows"}}}
        }
    },
}


@pytest.fixture(autouse=True)
def at_launch_day():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def draft() -> Campaign:
    make.market()
    make.ready_account(name="Galil Software")
    return make.drafted(
        steps=[MAIL, LOCAL, ASKS, SPLIT, NOTE, HOOK, {"key": "pause", "kind": "WAIT", "for": "2d"}, BANNER]
    )


def page(name: str, *args: str) -> str:
    return reverse(f"admin:studio-campaign{name}", args=args)


def test_the_page_tells_them_in_words(draft, marketer):
    words = words_of(marketer.get(page("", draft.slug)))
    assert "Wait until Monday, 09:00 in the contact’s own time" in words
    assert "Wait for a yes, at most 7 days: Clicked the e-mail?" in words
    assert "Yes" in words
    assert "Too late" in words
    assert "Split by chance: A 40 %, B 60 %" in words
    assert "Way A · 40 %" in words
    assert "Notes at the account: “stage” is “told”." in words
    assert "hooks.example" in words
    assert "Galil Software grows" in words
    assert "s3cret" not in words


def test_steps_around_them_can_be_moved(draft, marketer):
    marketer.post(page("-steps", draft.slug), {"do": "up pause"})
    draft.refresh_from_db()
    assert draft.draft_version is not None
    keys = [step["key"] for step in draft.draft_version.definition["steps"]]
    assert keys == ["mail-1", "local", "asks", "half", "note", "pause", "hook", "banner"]
    assert draft.draft_version.definition["steps"][1] == LOCAL


def test_a_webhook_is_previewed_as_its_body(draft, marketer):
    shown = marketer.get(page("-preview", draft.slug, "hook", "a")).content.decode()
    assert "Galil Software" in shown
    assert marketer.get(page("", draft.slug), {"step": "hook", "variant": "a"}).status_code == 200


def test_a_message_that_a_wait_asks_about_stays(draft, marketer):
    answer = marketer.post(page("-steps", draft.slug), {"do": "remove mail-1"}, follow=True)
    assert "A later question is about this message" in words_of(answer)


@pytest.mark.parametrize(
    "step",
    [
        ASKS | {"then": "banner", "else": "pause"},
        SPLIT | {"ways": {"a": {"weight": 40, "then": "banner"}, "b": {"weight": 60}}},
    ],
)
def test_ways_that_lead_on_are_lanes(marketer, step):
    make.market()
    steps = [MAIL, step, {"key": "pause", "kind": "WAIT", "for": "2d"}, BANNER]
    campaign = make.drafted(steps=steps)
    [_mail, fork, last] = step_tree.read_tree(steps)
    assert [[node.key for node in lane] for lane in fork.lanes.values()] == [[], ["pause"]]
    assert last.key == "banner"
    assert "step 4" not in words_of(marketer.get(page("", campaign.slug)))


def test_ways_that_jump_about_are_read_one_below_the_other(marketer):
    make.market()
    back = SPLIT | {"ways": {"a": {"weight": 40, "then": "mail-1"}, "b": {"weight": 60}}}
    campaign = make.drafted(steps=[MAIL, {"key": "pause", "kind": "WAIT", "for": "2d"}, back, BANNER])
    words = words_of(marketer.get(page("", campaign.slug)))
    assert "Split by chance: A 40 % to step 1, B 60 %" in words
    assert "Way A" not in words


def test_the_launch_review_works(draft, marketer):
    assert marketer.get(page("-launch", draft.slug)).status_code == 200
