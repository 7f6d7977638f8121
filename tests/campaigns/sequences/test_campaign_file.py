from __future__ import annotations

import json
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from campaigns.cli.demo import campaign as demo
from campaigns.sequences import campaign_file
from campaigns.sequences.campaign_file import CampaignFileError
from tests.factories.sequences import MJML, document

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "campaign.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
MAIL = document()["steps"][0]
WAIT = {"key": "pause", "kind": "WAIT", "for": "3d"}
EMAIL = {"en": {"subject": "s", "mjml": MJML.format("x")}}


def step(**changes):
    return MAIL | changes


def with_variants(variants, **changes):
    return document(steps=[step(variants=variants, **changes)])


def in_app(**place):
    content = {"en": {"title": "Hi", "body": "There", **place}}
    return with_variants({"a": {"content": content}}, channel="in_app")


def after_mail(*steps):
    return document(steps=[MAIL, *steps])


CLICKED = {"engagement": "clicked", "step": "mail-1"}
HOOK = {"url": "https://hooks.example/T0", "body": {"text": "{{ account.name }}", "blocks": [{"n": 1}]}}
GOOD = {
    "the tests' own": document(),
    "the demo's": demo.campaign_file(),
    "the smallest": document(recipients=None, goal=None, holdout_percent=None, offer=None, steps=[MAIL]),
    "contacts": document(audience={"contacts": ["c1", "c2"]}),
    "a stored segment": document(audience={"segment": "near-limit"}),
    "an offer to be made": document(offer={"slug": "team", "name": "Team", "target_plan": "team"}),
    "no offer": document(offer=None),
    "a send window": document(limits={"window": {"from": "09:00", "to": "20:00"}, "send_by_hours": 24, "priority": 10}),
    "tracking": document(
        tracking={"opens": "OUTSIDE_EU", "utm": {"source": "a", "medium": "email", "campaign": "c-1"}}
    ),
    "no weights": with_variants({"a": {"content": EMAIL}, "b": {"content": EMAIL}}),
    "a text message": with_variants({"a": {"content": {"en": {"text": "Hi"}}}}, channel="sms"),
    "a tooltip": in_app(kind="tooltip", anchor="#seats", page="/team/*"),
    "a modal at a gated feature": in_app(kind="modal", feature="sso"),
    "at any gated feature": in_app(kind="banner", feature="*", page="/"),
    "a task": with_variants({"a": {"content": {"en": {"text": "Call"}}}}, channel="csm_task"),
    "a wait until a local time": after_mail({"key": "w", "kind": "WAIT", "until": {"time": "09:00"}}),
    "a local wait before the first message": document(
        steps=[{"key": "w", "kind": "WAIT", "until": {"time": "09:00", "weekday": "MON"}}, MAIL]
    ),
    "a wait for a condition": after_mail(
        {"key": "w", "kind": "WAIT", "until": CLICKED, "at_most": "7d", "then": "mail-1", "else": "w"}
    ),
    "a split": after_mail(
        {"key": "s", "kind": "SPLIT", "ways": {"a": {"weight": 30, "then": "mail-1"}, "b": {"weight": 70}}}
    ),
    "a split without weights": after_mail({"key": "s", "kind": "SPLIT", "ways": {"a": {}, "b": {}, "c": {}}}),
    "an update": after_mail(
        {
            "key": "u",
            "kind": "UPDATE",
            "set": {"account.traits.stage": "told", "contact.traits.tags": ["a", 1], "account.traits.x": None},
        }
    ),
    "a webhook": with_variants({"a": {"content": {"en": HOOK}}}, channel="webhook"),
    "a jump back": after_mail(WAIT, {"key": "again", "kind": "GOTO", "to": "mail-1", "at_most": 2}),
    "entry by an event": document(
        entry={"event": {"name": "sso_attempted", "where": [{"property": "feature", "op": "=", "value": "sso"}]}}
    ),
    "entry by hand, again after its exit, three times": document(
        entry={"by": "HAND", "reentry": "AFTER_COOLDOWN", "cooldown_days": 30, "at_most": 3}
    ),
    "its schema": document(**{"$schema": "campaign.schema.json"}),
}
# What is wrong and where. Those that only the parser can see are in ONLY_THE_PARSER.
BAD = {
    "slug": document(slug="Seats 80"),
    "name": document(name=" "),
    "purpose": document(purpose="SPAM"),
    "colour": document(colour="red"),
    "audience": document(audience={}),
    "audience.contacts": document(audience={"contacts": []}),
    "entry.reentry": document(entry={"reentry": "SOMETIMES"}),
    "entry.at_most": document(entry={"reentry": "ALWAYS", "at_most": 0}),
    "entry.event": document(entry={"by": "EVENT"}),
    "entry.event.name": document(entry={"event": {"name": ""}}),
    "entry.by": document(entry={"by": "CHANCE"}),
    "steps[2].to": after_mail(WAIT, {"key": "again", "kind": "GOTO"}),
    "steps[2].at_most": after_mail(WAIT, {"key": "again", "kind": "GOTO", "to": "mail-1", "at_most": 0}),
    "recipients.roles[1]": document(recipients={"roles": ["OWNER", "BOSS"]}),
    "recipients.per_account": document(recipients={"per_account": 0}),
    "exit_on[0]": document(exit_on=["BORED"]),
    "goal.window_days": document(goal={"window_days": 0}),
    "holdout_percent": document(holdout_percent=100),
    "offer.name": document(offer={"slug": "team"}),
    "limits.window.to": document(limits={"window": {"from": "09:00", "to": "25:00"}}),
    "tracking.opens": document(tracking={"opens": "SOMETIMES"}),
    "tracking.utm.medium": document(tracking={"utm": {"source": "a", "campaign": "c"}}),
    "tracking.utm.source": document(tracking={"utm": {"source": "a b", "medium": "m", "campaign": "c"}}),
    "steps": document(steps=[]),
    "steps[0].kind": document(steps=[step(kind="SHOUT")]),
    "steps[0].channel": document(steps=[step(channel="pigeon")]),
    "steps[0].variants": document(steps=[step(variants={})]),
    "steps[0].variants.a.weight": with_variants({"a": {"weight": 101, "content": EMAIL}}),
    "steps[0].variants.a.content.fr": with_variants({"a": {"content": {"fr": EMAIL["en"]}}}),
    "steps[0].variants.a.content.en.mjml": with_variants({"a": {"content": {"en": {"subject": "s"}}}}),
    "steps[0].variants.a.content.en.colour": with_variants({"a": {"content": {"en": EMAIL["en"] | {"colour": "red"}}}}),
    "steps[0].variants.a.content.en.kind": in_app(kind="popup"),
    "steps[0].variants.a.content.en.page": in_app(page="settings"),
    "steps[0].variants.a.content.en.feature": in_app(feature="single sign on"),
    "steps[0].variants.a.content.en.anchor": in_app(kind="tooltip"),
    "steps[0].variants.a.content.en.url": with_variants(
        {"a": {"content": {"en": HOOK | {"url": "ftp://hooks.example/x"}}}}, channel="webhook"
    ),
    "steps[0].variants.a.content.en.body": with_variants(
        {"a": {"content": {"en": HOOK | {"body": "text"}}}}, channel="webhook"
    ),
    "steps[1].for": document(steps=[MAIL, WAIT | {"for": "soon"}]),
    "steps[1].until.time": after_mail({"key": "w", "kind": "WAIT", "until": {"weekday": "MON"}}),
    "steps[1].until.weekday": after_mail({"key": "w", "kind": "WAIT", "until": {"time": "09:00", "weekday": "Monday"}}),
    "steps[1].at_most": after_mail({"key": "w", "kind": "WAIT", "until": CLICKED}),
    "steps[1].then": after_mail({"key": "w", "kind": "WAIT", "until": {"time": "09:00"}, "then": "mail-1"}),
    "steps[1].ways": after_mail({"key": "s", "kind": "SPLIT", "ways": {"a": {}}}),
    "steps[1].ways.a.weight": after_mail(
        {"key": "s", "kind": "SPLIT", "ways": {"a": {"weight": -1}, "b": {"weight": 1}}}
    ),
    "steps[1].set": after_mail({"key": "u", "kind": "UPDATE", "set": {}}),
    "steps[1].set.account.plan": after_mail({"key": "u", "kind": "UPDATE", "set": {"account.plan": "pro"}}),
    "steps[1].set.contact.traits.email": after_mail(
        {"key": "u", "kind": "UPDATE", "set": {"contact.traits.email": "x@example.com"}}
    ),
    "steps[1].set.account.traits.x": after_mail({"key": "u", "kind": "UPDATE", "set": {"account.traits.x": {}}}),
    "steps[1]": document(steps=[MAIL, {"key": "fork", "kind": "BRANCH", "if": {"all": []}}]),
}
ONLY_THE_PARSER = {
    "limits.window": document(limits={"window": {"from": "20:00", "to": "09:00"}}),
    "steps[1].key": document(steps=[MAIL, MAIL]),
    "steps[1].then": document(steps=[MAIL, {"key": "fork", "kind": "BRANCH", "if": {"all": []}, "then": "nowhere"}]),
    "steps[1].if.any[0].not.step": document(
        steps=[
            MAIL,
            {
                "key": "fork",
                "kind": "BRANCH",
                "if": {"any": [{"not": {"engagement": "clicked", "step": "mail-9"}}]},
                "then": "mail-1",
            },
        ]
    ),
    "steps[0]": document(steps=[{"key": "fork", "kind": "BRANCH", "if": {"all": []}, "then": "mail-1"}, MAIL]),
    "steps[1].until.step": after_mail(
        {"key": "w", "kind": "WAIT", "until": CLICKED | {"step": "mail-9"}, "at_most": "1d"}
    ),
    "steps[1].to": after_mail({"key": "again", "kind": "GOTO", "to": "nowhere"}),
    "steps[1].ways.b.then": after_mail({"key": "s", "kind": "SPLIT", "ways": {"a": {}, "b": {"then": "nowhere"}}}),
    "steps[1].ways": after_mail({"key": "s", "kind": "SPLIT", "ways": {"a": {"weight": 0}, "b": {"weight": 0}}}),
    "steps[0].variants.b.weight": with_variants({"a": {"weight": 50, "content": EMAIL}, "b": {"content": EMAIL}}),
    "steps[1].variants": document(
        steps=[MAIL, step(key="mail-2", variants={"a": {"content": EMAIL}, "c": {"content": EMAIL}})]
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_files_pass_the_parser_and_the_schema(name):
    assert campaign_file.parse(GOOD[name]).slug == GOOD[name]["slug"]
    VALIDATOR.validate(GOOD[name])


@pytest.mark.parametrize("path", BAD)
def test_wrong_files_fail_the_parser_with_the_path_and_the_schema(path):
    with pytest.raises(CampaignFileError) as wrong:
        campaign_file.parse(BAD[path])
    assert wrong.value.path == path
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(BAD[path])


@pytest.mark.parametrize("path", ONLY_THE_PARSER)
def test_what_no_schema_can_say_the_parser_does(path):
    with pytest.raises(CampaignFileError) as wrong:
        campaign_file.parse(ONLY_THE_PARSER[path])
    assert wrong.value.path == path


@pytest.mark.parametrize(
    "wait",
    [
        {"until": CLICKED, "at_most": "7d"},
        {"until": {"time": "09:00"}, "for": "3d"},
        {},
    ],
)
def test_a_wait_before_the_first_message_is_for_one_time(wait):
    with pytest.raises(CampaignFileError) as wrong:
        campaign_file.parse(document(steps=[{"key": "w", "kind": "WAIT", **wait}, MAIL]))
    assert wrong.value.path == "steps[0]"


@pytest.mark.parametrize("value", [None, [], "x", 7])
def test_anything_but_an_object_is_no_campaign_file(value):
    with pytest.raises(CampaignFileError):
        campaign_file.parse(value)


def test_the_schema_itself_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_what_is_left_out_has_its_default():
    spec = campaign_file.parse(GOOD["the smallest"])
    assert (spec.purpose, spec.topic, spec.holdout_percent, spec.goal) == ("MARKETING", "offers", Decimal(0), None)
    assert (spec.entry.reentry, spec.entry.cooldown_days) == ("NEVER", 90)
    assert (spec.recipients.roles, spec.recipients.per_account) == ((), 1)
    assert spec.exit_on == campaign_file.EXITS
    assert (spec.limits.window_from, spec.limits.send_by_hours, spec.limits.priority) == (None, 48, 50)


def test_durations_times_and_weights_are_read():
    spec = campaign_file.parse(GOOD["the demo's"])
    assert spec.steps[1].wait == timedelta(days=3)
    assert spec.limits.window_from == time(8)
    assert spec.arms() == (("a", 50), ("b", 50))


def test_three_variants_without_weights_share_a_hundred():
    spec = campaign_file.parse(with_variants({key: {"content": EMAIL} for key in "abc"}))
    assert [variant.weight for variant in spec.steps[0].variants] == [34, 33, 33]


@pytest.mark.parametrize("page", ["/a*b", "/a b", "*", "//x y", "a/*"])
def test_a_page_is_a_path_with_at_most_a_star_at_its_end(page):
    with pytest.raises(CampaignFileError) as wrong:
        campaign_file.parse(in_app(page=page))
    assert wrong.value.path == "steps[0].variants.a.content.en.page"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(in_app(page=page))


@pytest.mark.parametrize("kind", ["banner", "modal"])
def test_only_a_tooltip_points_at_something(kind):
    with pytest.raises(CampaignFileError) as wrong:
        campaign_file.parse(in_app(kind=kind, anchor="#seats"))
    assert wrong.value.path == "steps[0].variants.a.content.en.anchor"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(in_app(kind=kind, anchor="#seats"))
