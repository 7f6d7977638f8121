"""The pages of waits, splits, notes and webhooks: what a marketer fills in is what the campaign file says."""

from __future__ import annotations

import json

import pytest
import time_machine
from django.urls import reverse

from campaigns.sequences import check
from campaigns.sequences.models import Campaign
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db

MAIL, _, _, BANNER, _END = make.document()["steps"]
CLICKED = {"engagement": "clicked", "step": "mail-1"}
PAUSE = {"key": "pause", "kind": "WAIT", "for": "2d"}
RULE = {
    "do": "save", "mode": "all", "row": "1", "1.kind": "rule", "1.fact": "reaction", "1.was": "reaction",
    "1.step": "mail-1", "1.reaction": "delivered", "1.op": "was",
}  # fmt: skip
LOCAL = {"key": "pause", "kind": "WAIT", "until": {"time": "09:00", "weekday": "MON"}}
ASKS = {"key": "pause", "kind": "WAIT", "until": CLICKED, "at_most": "7d"}
SPLIT = {"key": "half", "kind": "SPLIT", "ways": {"a": {"weight": 40}, "b": {"weight": 60}}}
NOTE = {"key": "note", "kind": "UPDATE", "set": {"account.traits.stage": "told", "contact.traits.rounds": [1, 2]}}


@pytest.fixture(scope="module")
def market(shared_rows):
    make.market()
    make.ready_account(name="Galil Software")


@pytest.fixture(autouse=True)
def at_launch_day(market):
    with time_machine.travel(make.NOW, tick=False):
        yield


def page(name, *args):
    return reverse(f"admin:studio-campaign{name}", args=["seats-80", *args])


def definition_of_the_draft():
    version = Campaign.objects.get().draft_version
    assert version is not None
    return version.definition


def steps_of():
    return {step["key"]: step for step in definition_of_the_draft()["steps"]}


def change(marketer, key, data, kind=""):
    return marketer.post(page("-step", key) + (f"?until={kind}" if kind else ""), data)


def test_a_wait_becomes_one_until_monday_morning_and_undo_brings_the_days_back(marketer):
    make.drafted(steps=[MAIL, PAUSE, BANNER])
    assert "Until something happens" in words_of(marketer.get(page("-step", "pause")))
    assert change(marketer, "pause", {"time": "08:30", "weekday": "MON"}, "time").status_code == 302
    assert steps_of()["pause"] == {"key": "pause", "kind": "WAIT", "until": {"time": "08:30", "weekday": "MON"}}
    assert "Wait until Monday, 08:30" in words_of(marketer.get(page("")))
    marketer.post(page("-version"), {"do": "undo"})
    assert steps_of()["pause"] == PAUSE


def test_a_wait_for_a_day_becomes_one_of_hours(marketer):
    make.drafted(steps=[MAIL, LOCAL, BANNER])
    assert marketer.get(page("-step", "pause")).context["form"].initial == {"time": "09:00", "weekday": "MON"}
    change(marketer, "pause", {"number": "6", "unit": "h"}, "length")
    assert steps_of()["pause"] == {"key": "pause", "kind": "WAIT", "for": "6h"}


def test_a_time_that_is_none_is_refused_beside_its_field(marketer):
    make.drafted(steps=[MAIL, LOCAL, BANNER])
    response = change(marketer, "pause", {"time": "25:00", "weekday": ""}, "time")
    assert response.status_code == 422
    assert "time" in response.context["form"].errors


def test_how_long_a_wait_for_a_click_lasts_is_set_beside_its_question(marketer):
    make.drafted(steps=[MAIL, ASKS, BANNER])
    shown = marketer.get(page("-step", "pause"))
    fields = shown.context["at_most"].initial
    assert fields == {"number": 7, "unit": "d"}
    change(marketer, "pause", RULE | {"number": "3", "unit": "w"})
    assert steps_of()["pause"] == {
        "key": "pause", "kind": "WAIT", "until": {"engagement": "delivered", "step": "mail-1"}, "at_most": "3w",
    }  # fmt: skip


def test_a_wait_of_days_becomes_one_for_something_that_happens(marketer):
    make.drafted(steps=[MAIL, PAUSE, BANNER])
    assert marketer.get(page("-step", "pause") + "?until=event").context["at_most"].initial == {
        "number": 7,
        "unit": "d",
    }
    assert change(marketer, "pause", RULE | {"number": "7", "unit": "d"}, "event").status_code == 302
    assert steps_of()["pause"]["until"] == {"engagement": "delivered", "step": "mail-1"}
    assert "for" not in steps_of()["pause"]


def test_a_wait_for_a_click_without_a_time_out_is_refused(marketer):
    make.drafted(steps=[MAIL, ASKS, BANNER])
    response = change(marketer, "pause", {"do": "save", "subject": "branch", "number": "", "unit": "d"})
    assert response.status_code == 422
    assert steps_of()["pause"]["at_most"] == "7d"


def test_a_wait_with_filled_lanes_stays_one(marketer):
    make.drafted(steps=[MAIL, ASKS | {"then": "end", "else": "banner"}, BANNER, {"key": "end", "kind": "EXIT"}])
    response = change(marketer, "pause", {"number": "6", "unit": "h"}, "length")
    assert response.status_code == 422
    assert "move their steps out first" in words_of(response)
    assert steps_of()["pause"]["at_most"] == "7d"


def test_a_split_has_its_shares_one_way_more_and_one_way_less(marketer):
    make.drafted(steps=[MAIL, SPLIT, BANNER])
    assert "drawn for it first" in words_of(marketer.get(page("-step", "half")))
    change(marketer, "half", {"a": "25", "b": "75"})
    assert steps_of()["half"]["ways"] == {"a": {"weight": 25}, "b": {"weight": 75}}
    marketer.post(page("-steps"), {"do": "way half"})
    assert steps_of()["half"]["ways"] == {"a": {"weight": 34}, "b": {"weight": 33}, "c": {"weight": 33}}
    marketer.post(page("-steps"), {"do": "add sms half c"})
    assert steps_of()["half"]["ways"]["c"]["then"] == "text-1"
    marketer.post(page("-steps"), {"do": "unway half a"})
    assert steps_of()["half"]["ways"] == {"b": {"weight": 50, "then": "banner"}, "c": {"weight": 50, "then": "text-1"}}


def test_a_split_keeps_two_ways(marketer):
    make.drafted(steps=[MAIL, SPLIT, BANNER])
    answer = marketer.post(page("-steps"), {"do": "unway half a"}, follow=True)
    assert "at least two ways" in words_of(answer)
    assert set(steps_of()["half"]["ways"]) == {"a", "b"}


def test_shares_that_are_no_hundred_are_refused(marketer):
    make.drafted(steps=[MAIL, SPLIT, BANNER])
    response = change(marketer, "half", {"a": "25", "b": "70"})
    assert response.status_code == 422
    assert "not 100 %" in words_of(response)


def facts(*rows):
    data = {"fact-TOTAL_FORMS": str(len(rows)), "fact-INITIAL_FORMS": "0"}
    for place, (whose, name, kind, value) in enumerate(rows):
        told = {"whose": whose, "name": name, "kind": kind, "value": value}
        data |= {f"fact-{place}-{field}": text for field, text in told.items()}
    return data


def test_what_is_noted_is_written_by_its_kind(marketer):
    make.drafted(steps=[MAIL, NOTE, BANNER])
    rows = [
        ("account", "stage", "text", "asked"), ("account", "size", "number", "12"),
        ("account", "half", "number", "0.5"), ("contact", "keen", "yes", ""), ("contact", "late", "no", ""),
        ("contact", "old", "nothing", ""), ("contact", "likes", "list", "tea, coffee"),
        ("contact", "rounds", "list", "1, 2"), ("account", "", "text", ""),
    ]  # fmt: skip
    assert change(marketer, "note", facts(*rows)).status_code == 302
    assert steps_of()["note"]["set"] == {
        "account.traits.stage": "asked", "account.traits.size": 12, "account.traits.half": 0.5,
        "contact.traits.keen": True, "contact.traits.late": False, "contact.traits.old": None,
        "contact.traits.likes": ["tea", "coffee"], "contact.traits.rounds": [1, 2],
    }  # fmt: skip
    words = words_of(marketer.get(page("")))
    assert "Notes at the account: “size” is 12." in words
    assert "Forgets “old” of the contact." in words


def test_a_note_comes_back_to_its_page_as_it_was_written(marketer):
    make.drafted(steps=[MAIL, NOTE, BANNER])
    rows = [form.initial for form in marketer.get(page("-step", "note")).context["rows"]]
    assert rows[:2] == [
        {"whose": "account", "name": "stage", "kind": "text", "value": "told"},
        {"whose": "contact", "name": "rounds", "kind": "list", "value": "1, 2"},
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("account", "two words", "text", "x"), "no spaces and no dots"),
        (("account", "a.b", "text", "x"), "no spaces and no dots"),
        (("contact", "email", "text", "x"), "a fact of its own"),
        (("account", "", "text", "x"), "Give the fact a name"),
        (("account", "n", "number", "many"), "must be a number"),
        (("account", "n", "number", "nan"), "must be a number"),
        (("account", "n", "list", " , "), "Fill in 1 to"),
        (("account", "n", "text", ""), "Fill this in"),
        (("account", "", "text", ""), "Note at least one fact"),
    ],
)
def test_a_fact_that_cannot_be_noted_is_refused_with_the_reason(marketer, row, why):
    make.drafted(steps=[MAIL, NOTE, BANNER])
    response = change(marketer, "note", facts(row))
    assert response.status_code == 422
    assert why in words_of(response)
    assert steps_of()["note"] == NOTE


def test_a_new_webhook_blocks_the_launch_until_it_has_an_address(marketer, settings):
    settings.CHANNELS = {**settings.CHANNELS, "webhook": "orchestrator.channels.memory.MemoryChannel"}
    campaign = make.drafted(steps=[MAIL, BANNER])
    marketer.post(page("-steps"), {"do": "add webhook mail-1"})
    campaign.refresh_from_db()
    assert "webhook_address" in {one.code for one in check.check_campaign(campaign=campaign, now=make.NOW)}
    body = {"text": "{{ account.name }} grows", "n": 3}
    response = marketer.post(
        page("-wording", "hook-1", "a"), {"url": "https://hooks.example/T0/x", "body": json.dumps(body)}
    )
    assert response.status_code == 302
    assert steps_of()["hook-1"]["variants"]["a"]["content"]["en"] == {"url": "https://hooks.example/T0/x", "body": body}
    campaign.refresh_from_db()
    assert "webhook_address" not in {one.code for one in check.check_campaign(campaign=campaign, now=make.NOW)}


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"url": "ftp://x.example", "body": '{"a": 1}'}, "url"),
        ({"url": "https://user:pw@x.example/", "body": '{"a": 1}'}, "url"),
        ({"url": "https://x.example/", "body": "[1]"}, "body"),
        ({"url": "https://x.example/", "body": "{"}, "body"),
        ({"url": "https://x.example/", "body": "{}"}, "body"),
    ],
)
def test_a_webhook_that_cannot_be_called_is_refused_beside_its_field(marketer, told, field):
    make.drafted(steps=[MAIL, BANNER])
    marketer.post(page("-steps"), {"do": "add webhook mail-1"})
    response = marketer.post(page("-wording", "hook-1", "a"), told)
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {field}


def test_a_webhooks_page_shows_address_body_and_what_its_liquid_lacks(marketer):
    content = {"en": {"url": "https://hooks.example/T0", "body": {"text": "{{ account.nam }}"}}}
    hook = {"key": "hook", "kind": "MESSAGE", "channel": "webhook", "variants": {"a": {"content": content}}}
    make.drafted(steps=[MAIL, hook, BANNER])
    shown = marketer.get(page("-wording", "hook", "a"))
    assert "https://hooks.example/T0" in shown.content.decode()
    assert "There is no variable account.nam" in words_of(shown)


def test_between_two_steps_of_a_lane_another_is_added(marketer):
    make.drafted()
    marketer.post(page("-steps"), {"do": "add sms banner"})
    marketer.post(page("-steps"), {"do": "add wait_time banner"})
    marketer.post(page("-steps"), {"do": "add wait reacted no"})
    keys = list(steps_of())
    assert keys[keys.index("reacted") + 1 :] == ["wait-3", "banner", "wait-2", "text-1", "end"]
    html = marketer.get(page("")).content.decode()
    assert "add email banner " in html
    assert "add email wait-3 " in html
