"""Waits until a local time or for a condition, splits and updates, on real rows."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.delivery.models import Message
from campaigns.profiles.models import Account, AccountChange, Contact
from campaigns.sequences import advance, check, rehearse, wake
from campaigns.sequences.models import Campaign, Enrolment, StepRun
from orchestrator.engine import bucketing
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make
from tests.factories.profiles import MembershipFactory

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]

NOW = make.NOW  # Monday 2 March 2026, 09:00 UTC
DAY = timedelta(days=1)
MAIL, _, _, BANNER, END = make.document()["steps"]


def launched(*steps: dict[str, Any], **changes: Any) -> Campaign:
    made = make.launched(**scenes.campaign(*steps, exit_on=[], **changes))
    sent()
    return made


def sent() -> None:
    Message.objects.update(state="ACCEPTED", accepted_at=NOW, ended_at=NOW)


@pytest.fixture
def account(scene, db) -> Account:
    return Account.objects.get()


def look(at: datetime) -> advance.Advanced:
    wake.wake_concerned(now=at)
    done = make.go_on(now=at)
    wake.complete_finished(now=at)
    return done


def planned_steps() -> list[str]:
    return list(Message.objects.exclude(origin_step="mail-1").order_by("pk").values_list("origin_step", flat=True))


def until(clock: str, **more: str) -> dict[str, Any]:
    return {"key": "rest", "kind": "WAIT", "until": {"time": clock, **more}}


@scenes.of(scenes.campaign(MAIL, until("09:00"), BANNER, exit_on=[]))
@pytest.mark.parametrize(
    ("contact_zone", "account_zone", "due"),
    [
        ("Asia/Tokyo", "Europe/Bucharest", "2026-03-03T00:00"),
        ("", "America/New_York", "2026-03-02T14:00"),
        # It is that time when the mail goes: the next one is meant.
        ("", "", "2026-03-03T09:00"),
        ("Nowhere/Land", "America/New_York", "2026-03-02T14:00"),
    ],
)
def test_a_local_time_is_the_contacts_else_the_accounts_else_utc(contact_zone, account_zone, due):
    Account.objects.update(time_zone=account_zone)
    Contact.objects.update(time_zone=contact_zone)
    sent()
    due_at = datetime.fromisoformat(due).replace(tzinfo=UTC)
    look(NOW)
    look(due_at - timedelta(seconds=1))
    assert planned_steps() == []
    look(due_at)
    assert Message.objects.get(origin_step="banner").due_at == due_at


def test_a_weekday_is_awaited_through_a_clock_change():
    Account.objects.update(time_zone="Europe/Bucharest")
    launched(MAIL, {"key": "wait", "kind": "WAIT", "for": "25d"}, until("09:00", weekday="MON"), BANNER)
    look(NOW + 25 * DAY)  # Friday; on Sunday the clocks go forward
    assert Enrolment.objects.get().due_at == datetime(2026, 3, 30, 6, tzinfo=UTC)


def test_a_first_message_after_a_local_wait_is_due_when_it_is_that_time_there():
    Account.objects.update(time_zone="Asia/Jerusalem")
    make.launched(holdout_percent=None, steps=[until("10:00", weekday="TUE"), MAIL])
    assert Message.objects.get().due_at == datetime(2026, 3, 3, 8, tzinfo=UTC)


ASKING = {"key": "asks", "kind": "WAIT", "at_most": "7d", "then": "yes", "else": "no"}
LANES = (BANNER | {"key": "no"}, {"key": "out", "kind": "EXIT"}, BANNER | {"key": "yes"})
CLICKED = {"engagement": "clicked", "step": "mail-1"}


asking = scenes.of(scenes.campaign(MAIL, ASKING | {"until": CLICKED}, *LANES, exit_on=[]))


@pytest.fixture
def asked(scene, db) -> None:
    sent()
    look(NOW)


@asking
def test_a_click_ends_the_wait_within_minutes(asked):
    Message.objects.update(clicked_at=NOW + DAY)
    look(NOW + DAY + advance.ASK_AGAIN)
    assert planned_steps() == ["yes"]


@asking
def test_nothing_ends_the_wait_before_its_time_out(asked):
    look(NOW + 7 * DAY - timedelta(seconds=1))
    assert planned_steps() == []
    look(NOW + 7 * DAY)
    assert planned_steps() == ["no"]


@asking
def test_the_time_out_is_looked_at_on_time(asked):
    look(NOW + 7 * DAY - timedelta(minutes=1))
    assert Enrolment.objects.get().due_at == NOW + 7 * DAY


HALVES = {
    "key": "half",
    "kind": "SPLIT",
    "ways": {"a": {"weight": 50, "then": "yes"}, "b": {"weight": 50, "then": "no"}},
}


def test_an_account_goes_where_the_hash_says_and_it_is_recorded(account):
    launched(MAIL, HALVES, *LANES, salt="pepper")
    look(NOW)
    drawn = bucketing.draw_arm(
        salt="pepper:split:half", key=account.external_id, holdout_percent=0, weights=[("a", 50), ("b", 50)]
    )
    run = StepRun.objects.get(step_key="half")
    assert (run.outcome, run.reason) == ("SPLIT", drawn.arm)
    assert planned_steps() == [{"a": "yes", "b": "no"}[drawn.arm or ""]]


@scenes.of(accounts=200)
def test_weights_share_the_accounts_out():
    launched(MAIL, HALVES | {"ways": {"a": {"weight": 25, "then": "yes"}, "b": {"weight": 75, "then": "no"}}}, *LANES)
    look(NOW)
    ways = Counter(StepRun.objects.filter(step_key="half").values_list("reason", flat=True))
    assert sum(ways.values()) == 200
    assert 30 <= ways["a"] <= 70


def test_colleagues_go_the_same_way(account):
    for _ in range(5):
        make.reader(account)
    launched(MAIL, HALVES, *LANES, recipients={"per_account": 6})
    look(NOW)
    ways = StepRun.objects.filter(step_key="half").values_list("reason", flat=True)
    assert (len(ways), len(set(ways))) == (6, 1)


def test_the_way_once_gone_stands_when_the_hash_says_another(account):
    make.reader(account)
    launched(MAIL, {"key": "wait", "kind": "WAIT", "for": "1d"}, HALVES, *LANES, recipients={"per_account": 2})
    early, late = Enrolment.objects.order_by("pk")
    drawn = bucketing.draw_arm(
        salt="tests:split:half", key=account.external_id, holdout_percent=0, weights=[("a", 50), ("b", 50)]
    )
    other = {"a": "b", "b": "a"}[drawn.arm or ""]
    StepRun.objects.create(enrolment=early, step_key="half", visit=9, outcome="SPLIT", reason=other, at=NOW)
    look(NOW + DAY)
    assert StepRun.objects.get(enrolment=late, step_key="half").reason == other


def test_of_several_ways_the_newest_that_there_still_is_stands():
    launched(MAIL, HALVES, *LANES)
    enrolment = Enrolment.objects.get()
    for visit, way in enumerate(("b", "a", "gone"), start=7):
        StepRun.objects.create(enrolment=enrolment, step_key="half", visit=visit, outcome="SPLIT", reason=way, at=NOW)
    look(NOW)
    assert StepRun.objects.get(enrolment=enrolment, step_key="half", visit=1).reason == "a"


NOTE = {
    "key": "note",
    "kind": "UPDATE",
    "set": {"account.traits.stage": "told", "contact.traits.asked": True, "account.traits.old": None},
}
noting = scenes.of(scenes.campaign(MAIL, NOTE, BANNER, exit_on=[]))


@noting
def test_an_update_writes_traits_and_says_where_from(account):
    Account.objects.update(traits={"old": 1, "kept": 2})
    sent()
    look(NOW)
    account.refresh_from_db()
    assert account.traits == {"kept": 2, "stage": "told"}
    assert Contact.objects.get().traits["asked"] is True
    run = StepRun.objects.get(step_key="note")
    assert (run.outcome, run.reason) == ("UPDATED", "campaign:seats-80")
    assert planned_steps() == ["banner"]


def test_of_two_updates_on_the_way_the_later_stands(account):
    later = {"key": "later", "kind": "UPDATE", "set": {"account.traits.stage": "again"}}
    launched(MAIL, NOTE, later, BANNER)
    look(NOW)
    account.refresh_from_db()
    assert account.traits["stage"] == "again"


@noting
def test_an_update_is_a_change_that_segments_pull(account):
    sent()
    before = AccountChange.objects.filter(account=account).count()
    look(NOW)
    assert AccountChange.objects.filter(account=account).count() > before


HOOK = {
    "key": "hook",
    "kind": "MESSAGE",
    "channel": "webhook",
    "variants": {"a": {"content": {"en": {"url": "https://hooks.example/T0", "body": {"text": "{{ account.name }}"}}}}},
}


def test_a_webhook_needs_no_yes_and_is_planned_to_be_repeated():
    launched(MAIL, HOOK)
    look(NOW)
    message = Message.objects.get(origin_step="hook")
    assert (message.channel, message.policy, message.state) == ("webhook", "AT_LEAST_ONCE", "PLANNED")


@pytest.mark.parametrize(
    ("url", "is_open", "wrong"),
    [
        ("https://hooks.example/T0", False, False),
        ("http://hooks.example/T0", False, True),
        ("https://10.0.0.1/", False, True),
        ("http://127.0.0.1:8000/", True, False),
    ],
)
def test_an_address_that_would_not_be_called_blocks_the_launch(settings, url, is_open, wrong):
    settings.ALLOW_PRIVATE_WEBHOOKS = is_open
    content = {"en": {"url": url, "body": {"text": "x"}}}
    campaign = make.drafted(steps=[MAIL, HOOK | {"variants": {"a": {"content": content}}}])
    found = [one for one in check.check_campaign(campaign=campaign, now=NOW) if one.code == "webhook_address"]
    assert [one.where for one in found] == (["steps[1].variants.a.content.en.url"] if wrong else [])


def test_a_variable_that_is_not_known_in_a_body_blocks_the_launch():
    content = {"en": {"url": "https://hooks.example/", "body": {"blocks": [{"text": "{{ account.nam }}"}]}}}
    campaign = make.drafted(steps=[MAIL, HOOK | {"variants": {"a": {"content": content}}}])
    codes = [one.code for one in check.check_campaign(campaign=campaign, now=NOW) if one.step == "hook"]
    assert "content:UNKNOWN_VARIABLE" in codes


def test_messages_in_a_circle_without_time_block_the_launch():
    again = {"key": "again", "kind": "BRANCH", "if": CLICKED, "then": "mail-1"}
    campaign = make.drafted(steps=[MAIL, NOTE, again])
    assert [one.step for one in check.check_campaign(campaign=campaign, now=NOW) if one.code == "circle"] == ["mail-1"]


@pytest.mark.parametrize("wait", [{"for": "7d"}, {"until": {"time": "09:00"}}])
def test_a_circle_through_a_wait_for_time_is_fine(wait):
    again = {"key": "again", "kind": "BRANCH", "if": CLICKED, "then": "mail-1"}
    campaign = make.drafted(steps=[MAIL, {"key": "w", "kind": "WAIT", **wait}, again])
    assert [one for one in check.check_campaign(campaign=campaign, now=NOW) if one.code == "circle"] == []


def test_shares_of_ways_that_are_not_a_hundred_block_the_launch():
    split = HALVES | {"ways": {"a": {"weight": 50, "then": "yes"}, "b": {"weight": 40, "then": "no"}}}
    campaign = make.drafted(steps=[MAIL, split, *LANES])
    found = [one for one in check.check_campaign(campaign=campaign, now=NOW) if one.code == "weights"]
    assert [(one.step, one.where) for one in found] == [("half", "steps[1].ways")]


def test_a_rehearsal_knows_local_times_ways_and_time_outs(account):
    Account.objects.update(time_zone="Asia/Jerusalem")
    MembershipFactory(account=account, role="MEMBER")
    steps = [MAIL, until("09:00", weekday="SUN"), HALVES, LANES[0], ASKING | {"until": CLICKED}, LANES[2]]
    steps[2] = HALVES | {"ways": {"a": {"weight": 100, "then": "asks"}, "b": {"weight": 0, "then": "no"}}}
    steps[4] = ASKING | {"until": CLICKED, "then": "yes", "else": "yes"}
    rehearsed = rehearse.rehearse(campaign=make.drafted(holdout_percent=None, steps=steps), now=NOW)
    assert [(one.step, one.day.isoformat(), one.messages) for one in rehearsed.sendings] == [
        ("mail-1", "2026-03-02", 1),
        ("yes", "2026-03-08", 1),
        ("yes", "2026-03-15", 1),
    ]
    assert [one.is_open for one in rehearsed.sendings] == [False, True, True]
