"""A live version is read-only; a changed file is a draft beside it, and who is inside finishes what they entered."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from django.db import InternalError, ProgrammingError, transaction

from campaigns.delivery.models import Message, SendGate
from campaigns.operations.models import AuditEntry
from campaigns.segments import refresh
from campaigns.segments.models import Segment
from campaigns.sequences import (
    apply,
    approval,
    campaign_file,
    changed,
    check,
    enrol,
    launch,
    lifecycle,
    selectors,
)
from campaigns.sequences.campaign_file import CampaignFileError, CampaignSpec
from campaigns.sequences.models import Campaign, CampaignVersion, Enrolment, Entry
from campaigns.sequences.step_file import StepSpec
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
LATER = NOW + timedelta(hours=1)
WAIT_LONGER = {"key": "wait-1", "kind": "WAIT", "for": "9d"}


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    make.market()
    for _ in range(3):
        make.ready_account()
    return make.launched(holdout_percent=None)


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


def edited(**changes) -> CampaignVersion:
    document = make.document(**({"holdout_percent": None} | changes))
    return apply.apply_campaign(document=document, by="dana", now=LATER)


def longer_wait() -> list:
    steps = make.document()["steps"]
    steps[1] = WAIT_LONGER
    return steps


def without_offer() -> dict:
    mjml = make.MJML.format("Hello {{ links.unsubscribe }}")
    wordings = {key: {"weight": 50, "content": {"en": {"subject": key, "mjml": mjml}}} for key in "ab"}
    return {**make.document()["steps"][0], "variants": wordings}


def launch_again(campaign: Campaign, *, now=LATER) -> launch.LaunchReport:
    campaign.refresh_from_db()
    return launch.launch(campaign=campaign, by="ron", now=now)


def test_a_changed_file_is_a_draft_beside_what_runs(campaign):
    live = campaign.live_version
    draft = edited(steps=longer_wait(), name="Another name")
    campaign.refresh_from_db()
    assert (campaign.live_version, campaign.draft_version, campaign.status) == (live, draft, "LIVE")
    assert (draft.number, campaign.name, draft.went_live_at) == (live.number + 1, "Seats at 80 %", None)


def test_the_file_that_runs_applied_again_makes_no_draft(campaign):
    assert edited() == campaign.live_version
    campaign.refresh_from_db()
    assert campaign.draft_version is None


@pytest.mark.parametrize("change", [{"definition": {}}, {"number": 9}, {"segment": None}, {"went_live_at": None}])
def test_the_database_refuses_to_change_a_live_version(campaign, change):
    with pytest.raises((InternalError, ProgrammingError), match="never changed"), transaction.atomic():
        CampaignVersion.objects.filter(pk=campaign.live_version_id).update(**change)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"purpose": "TRANSACTIONAL"}, "purpose"),
        ({"topic": "news"}, "topic"),
        ({"holdout_percent": 50}, "holdout_percent"),
        ({"steps": make.document()["steps"][3:]}, "steps"),
    ],
)
def test_what_the_comparison_and_consent_rest_on_cannot_change(campaign, change, path):
    with pytest.raises(CampaignFileError) as wrong:
        edited(**change)
    assert wrong.value.path == path
    campaign.refresh_from_db()
    assert campaign.draft_version is None


def test_a_draft_beside_changes_nothing_of_the_audience_that_runs(campaign):
    before = campaign.segment
    everybody = {"field": "account.name", "op": "is_set"}
    draft = edited(audience={"segment": everybody})
    before.refresh_from_db()
    assert before.live_version.definition == make.SEATS
    assert draft.segment is not None
    assert draft.segment != before
    assert draft.segment.live_version is not None
    assert draft.segment.live_version.definition == everybody
    campaign.refresh_from_db()
    assert (campaign.segment, campaign.edited_segment) == (before, draft.segment)


def test_begin_editing_makes_one_draft_with_the_same_words(campaign):
    first = apply.begin_editing(campaign=campaign, by="dana", now=LATER)
    second = apply.begin_editing(campaign=campaign, by="ron", now=LATER)
    assert first == second
    assert (first.definition, first.segment) == (campaign.live_version.definition, campaign.segment)


def test_a_dropped_draft_leaves_what_runs(campaign):
    live = campaign.live_version
    edited(steps=longer_wait())
    assert apply.drop_draft(campaign=campaign, by="dana", now=LATER)
    assert not apply.drop_draft(campaign=campaign, by="dana", now=LATER)
    campaign.refresh_from_db()
    assert (campaign.draft_version, campaign.live_version) == (None, live)
    assert AuditEntry.objects.filter(action="campaign.draft_dropped").count() == 1


def test_a_stopped_campaign_is_edited_no_more(campaign):
    lifecycle.stop(campaign=campaign, by="dana", now=LATER)
    with pytest.raises(CampaignFileError):
        edited(steps=longer_wait())
    with pytest.raises(CampaignFileError):
        apply.begin_editing(campaign=campaign, by="dana", now=LATER)


def test_launching_the_draft_makes_it_what_runs_for_the_next(campaign):
    first = campaign.live_version
    draft = edited(steps=longer_wait(), name="Another name", limits={"priority": 70})
    make.ready_account()
    assert launch_again(campaign).enrolled == 1
    campaign.refresh_from_db()
    assert (campaign.live_version, campaign.draft_version, campaign.name) == (draft, None, "Another name")
    assert SendGate.objects.get().priority == 70
    by_version = {row.version_id: row.entry.account_id for row in Enrolment.objects.all()}
    assert set(by_version) == {first.pk, draft.pk}
    assert Enrolment.objects.filter(version=first).count() == 3


def test_each_finishes_the_version_they_entered(campaign):
    edited(steps=longer_wait())
    make.ready_account()
    launch_again(campaign)
    make.go_on(now=NOW + timedelta(days=3, hours=2))
    assert Message.objects.filter(origin_step="banner").count() == 3
    make.go_on(now=NOW + timedelta(days=9, hours=2))
    assert Message.objects.filter(origin_step="banner").count() == 4


def test_nobody_gets_a_message_twice_because_of_a_new_version(campaign):
    edited(steps=longer_wait())
    launch_again(campaign)
    assert Message.objects.count() == 3
    assert Entry.objects.count() == 3


def test_another_audience_takes_in_those_who_were_in_it_long_before(campaign):
    outside = make.account_near_limit(seats=2)
    make.reader(outside)
    edited(audience={"segment": {"field": "account.external_id", "op": "=", "value": outside.external_id}})
    campaign.refresh_from_db()
    refresh.refresh_segment(segment=campaign.edited_segment, now=NOW)
    lifecycle.pause(campaign=campaign, by="dana", now=LATER)
    assert launch_again(campaign).enrolled == 0
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.PAUSED
    lifecycle.resume(campaign=campaign, by="dana", now=LATER)
    enrol.enrol_audience(campaign=campaign, now=LATER)
    assert Entry.objects.get(account=outside).outcome == "ENROLLED"


def test_the_second_of_two_who_launch_is_refused(campaign):
    edited(steps=longer_wait())
    seen = approval.of_draft(campaign=Campaign.objects.get())
    launch_again(campaign)
    with pytest.raises(launch.LaunchRefused):
        launch.launch(campaign=Campaign.objects.get(), by="ron", now=LATER, seen=seen)


def test_the_review_of_a_draft_beside_is_of_the_draft(campaign):
    edited(offer=None, steps=[without_offer()])
    campaign.refresh_from_db()
    codes = {one.code for one in check.check_campaign(campaign=campaign, now=LATER)}
    assert "no_offer" in codes
    assert campaign.offer is not None


def test_who_entered_with_an_offer_keeps_it_when_the_next_version_makes_none(campaign):
    edited(offer=None, steps=[without_offer()])
    launch_again(campaign)
    make.go_on(now=NOW + timedelta(days=3, hours=2))
    banner = Message.objects.filter(origin_step="banner").earliest("pk")
    assert banner.context["offer"]["plan_to"]


def test_launching_over_says_who_and_from_which_version(campaign):
    number = campaign.live_version.number
    edited(steps=longer_wait())
    launch_again(campaign)
    note = AuditEntry.objects.filter(action="campaign.launch").latest("pk")
    assert (note.before, note.actor) == ({"version": number}, "ron")
    assert note.after is not None
    assert note.after["version"] == number + 1


def test_the_ledger_sums_over_versions(campaign):
    edited(steps=longer_wait())
    make.ready_account()
    launch_again(campaign)
    ledger = selectors.ledger(campaign=campaign, now=LATER)["accounts"]
    assert ledger["audience"] == ledger["enrolled"] + ledger["holdout"] + sum(ledger["not_enrolled"].values()) == 4


def test_the_changes_are_told_by_part_and_step():
    old = campaign_file.parse(make.document())
    steps = make.document()["steps"]
    mail, wait, asked, banner, end = steps
    mail = {**mail, "variants": {**mail["variants"], "b": {"weight": 50, "content": {
        "en": {"subject": "Other", "mjml": make.MJML.format("x")}}}}}  # fmt: skip
    new = campaign_file.parse(
        make.document(goal={"window_days": 30}, steps=[mail, {**wait, "key": "pause"}, asked, banner, end])
    )
    assert changed.find_changes(old=old, new=new) == [
        changed.Change("CHANGED", "goal"),
        changed.Change("CHANGED", "steps", "mail-1", ("b.en",)),
        changed.Change("ADDED", "steps", "pause"),
        changed.Change("REMOVED", "steps", "wait-1"),
    ]
    assert changed.find_changes(old=old, new=old) == []


def test_no_part_of_the_file_can_be_changed_untold():
    """A new part is told, or `apply` refuses to change it."""
    told = {one.name for one in fields(CampaignSpec)} - {"steps"}
    assert set(changed.PARTS) | set(changed.FIXED) == told
    assert not set(changed.PARTS) & set(changed.FIXED)


OTHER = {"en": {"title": "Other", "body": "Other"}}
CHANGES: dict[str, tuple[Any, Any]] = {
    "kind": ({"kind": "EXIT"}, {"kind": "WAIT", "for": "1d"}),
    "channel": ({"channel": "sms", "variants": {"a": {"content": {"en": {"text": "Hi"}}}}},
                {"channel": "csm_task", "variants": {"a": {"content": {"en": {"text": "Hi"}}}}}),
    "variants": ({"channel": "in_app", "variants": {"a": {"content": OTHER}}},
                 {"channel": "in_app", "variants": {"b": {"content": OTHER}}}),
    "wait": ({"kind": "WAIT", "for": "1d"}, {"kind": "WAIT", "for": "2d"}),
    "until": ({"kind": "WAIT", "until": {"time": "09:00"}}, {"kind": "WAIT", "until": {"time": "10:00"}}),
    "condition": ({"kind": "BRANCH", "if": {"event": "x"}, "then": "end"},
                  {"kind": "BRANCH", "if": {"event": "y"}, "then": "end"}),
    "then": ({"kind": "GOTO", "to": "mail-1"}, {"kind": "GOTO", "to": "wait-1"}),
    "otherwise": ({"kind": "BRANCH", "if": {"event": "x"}, "else": "end"},
                  {"kind": "BRANCH", "if": {"event": "x"}, "else": "mail-1"}),
    "ways": ({"kind": "SPLIT", "ways": {"a": {"weight": 50}, "b": {"weight": 50}}},
             {"kind": "SPLIT", "ways": {"a": {"weight": 40}, "b": {"weight": 60}}}),
    "traits": ({"kind": "UPDATE", "set": {"account.traits.x": 1}}, {"kind": "UPDATE", "set": {"account.traits.x": 2}}),
    "at_most": ({"kind": "GOTO", "to": "mail-1", "at_most": 1}, {"kind": "GOTO", "to": "mail-1", "at_most": 2}),
}  # fmt: skip


@pytest.mark.parametrize("name", [one.name for one in fields(StepSpec) if one.compare and one.name != "key"])
def test_no_field_of_a_step_can_be_changed_untold(name):
    mail, wait, *_, end = make.document()["steps"]
    old, new = (
        campaign_file.parse(make.document(steps=[mail, wait, {"key": "one", "kind": "MESSAGE"} | one, end]))
        for one in CHANGES[name]
    )
    [change] = changed.find_changes(old=old, new=new)
    assert (change.kind, change.step) == ("CHANGED", "one")
    assert {"variants": changed.WORDINGS}.get(name, name) in change.fields


def test_other_shares_are_told_beside_other_texts():
    steps = make.document()["steps"]
    one, other = steps[0]["variants"]["a"], steps[0]["variants"]["b"]
    variants = {
        "a": one | {"weight": 70},
        "b": other | {"weight": 30, "content": {"en": {"subject": "X", "mjml": "x"}}},
    }
    new = make.document(steps=[steps[0] | {"variants": variants}, *steps[1:]])
    [change] = changed.find_changes(old=campaign_file.parse(make.document()), new=campaign_file.parse(new))
    assert (change.where, change.fields) == (("b.en",), (changed.SHARES,))


@pytest.mark.parametrize(
    ("part", "change", "told"),
    [
        ("limits", {"window": {"from": "09:00", "to": "17:00"}}, ("window_from", "window_to")),
        ("limits", {"send_by_hours": 12}, ("send_by_hours",)),
        ("limits", {"priority": 60}, ("priority",)),
        ("tracking", {"opens": "ALWAYS"}, ("opens",)),
        ("tracking", {"clicks": "NEVER"}, ("clicks",)),
        ("tracking", {"utm": {"source": "s", "medium": "m", "campaign": "c"}}, ("utm",)),
    ],
)
def test_what_is_another_about_limits_and_tracking_is_told(part, change, told):
    new = campaign_file.parse(make.document(**{part: change}))
    assert changed.find_changes(old=campaign_file.parse(make.document()), new=new) == [
        changed.Change("CHANGED", part, fields=told)
    ]


def test_a_moved_step_is_told_as_moved():
    mail, wait, _, banner, end = make.document()["steps"]
    old = campaign_file.parse(make.document(steps=[mail, wait, banner, end]))
    new = campaign_file.parse(make.document(steps=[mail, banner, wait, end]))
    assert [(one.kind, one.step) for one in changed.find_changes(old=old, new=new)] in (
        [("MOVED", "banner")],
        [("MOVED", "wait-1")],
    )


def test_only_one_segment_is_made_however_often_a_draft_is_saved(campaign):
    for seats in (0.5, 0.6, 0.7):
        edited(audience={"segment": make.SEATS | {"value": seats}})
    assert sorted(Segment.objects.values_list("slug", flat=True)) == ["seats-80-audience", "seats-80-audience-2"]


def test_whoever_is_inside_keeps_the_window_of_their_version(campaign):
    window = {"window": {"from": "10:00", "to": "12:00"}}
    edited(limits=window, steps=longer_wait())
    launch_again(campaign)
    make.ready_account()
    assert campaign.segment is not None
    refresh.refresh_segment(segment=campaign.segment, now=LATER)
    campaign.refresh_from_db()
    enrol.enrol_audience(campaign=campaign, now=LATER)
    make.go_on(now=NOW + timedelta(days=4))
    windows = Message.objects.order_by("pk").values_list("window_start", flat=True)
    assert list(windows[:3]) == [None] * 3
    assert Message.objects.filter(window_start="10:00").count() == 1
    assert Message.objects.filter(origin_step="banner", window_start=None).count() == 3
