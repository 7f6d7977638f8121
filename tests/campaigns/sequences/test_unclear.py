"""A person settles what nobody knows: sent again as another attempt of the same row, or left as it is."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from campaigns.consent import opt_out
from campaigns.delivery import claim, dispatch, reconcile
from campaigns.delivery import unclear as delivery
from campaigns.delivery.models import AttentionBudget, DeliveryAttempt, Message, ProviderEvent
from campaigns.operations.models import AuditEntry
from campaigns.profiles.models import Account
from campaigns.sequences import exits, lifecycle, replan, unclear, wake
from campaigns.sequences.lifecycle import WrongStateError
from campaigns.sequences.models import Campaign, Enrolment
from campaigns.sequences.unclear import Unclear
from orchestrator import clock
from orchestrator.channels import registry
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOW = make.NOW + HOUR
State = Message.State


@pytest.fixture(autouse=True)
def at_any_hour(settings):
    settings.COMPLIANCE_QUIET_HOURS = False
    registry.outbox("email").clear()


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    """Its one mail was handed over an hour ago; nobody has heard anything since."""
    make.market()
    make.ready_account()
    made = make.launched(holdout_percent=None)
    Message.objects.update(state=State.UNDETERMINED, attempt=1, ended_at=make.NOW)
    message = Message.objects.get()
    DeliveryAttempt.objects.create(message=message, number=1, started_at=clock.wall_now(), outcome="UNCLEAR")
    AttentionBudget.objects.create(account=message.account, spent=[[message.pk, make.NOW.isoformat()]])
    return made


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


def again(campaign, now=NOW):
    return unclear.send_again(campaign=campaign, by="dana", now=now, reason="they asked")


def send(now=NOW):
    claim.make_ready(now=now, wall_now=clock.wall_now())
    dispatch.dispatch_due(channel="email", now=now, worker="tests")
    return Message.objects.get()


def report(message):
    return ProviderEvent.objects.create(
        received_at=clock.wall_now(), provider="sendgrid", key=uuid4().bytes, type="DELIVERED", at=NOW,
        message=message.uuid, attempt=1,
    )  # fmt: skip


def test_it_goes_again_as_another_attempt_of_the_same_row(campaign):
    assert unclear.look(campaign=campaign, now=NOW) == Unclear(messages=1, again=1, people=1)

    assert again(campaign) == 1
    message = send()

    assert (message.state, message.attempt, message.decided_by, message.decided_at) == (
        State.ACCEPTED, 2, "dana", NOW,
    )  # fmt: skip
    assert list(message.attempts.order_by("number").values_list("number", "outcome")) == [
        (1, "UNCLEAR"),
        (2, "ACCEPTED"),
    ]
    assert [one.attempt for one in registry.outbox("email").sent] == [2]
    entry = AuditEntry.objects.get(action="messages.sent_again")
    assert (entry.actor, entry.at, entry.subject, entry.after, entry.reason) == (
        "dana", NOW, "campaign:seats-80", {"messages": 1}, "they asked",
    )  # fmt: skip


def test_asking_twice_sends_once(campaign):
    assert [again(campaign), again(campaign)] == [1, 0]
    send()
    assert again(campaign) == 0
    assert len(registry.outbox("email").sent) == 1


def test_evidence_that_comes_before_it_goes_cancels_it(campaign):
    again(campaign)
    report(Message.objects.get())

    message = send()

    assert message.state == State.ACCEPTED
    assert registry.outbox("email").sent == []


def test_evidence_counts_whatever_became_of_it_meanwhile(campaign):
    """It waits out a pause, or was taken back: that it arrived at first is true all the same."""
    again(campaign)
    exits.end_enrolments(enrolment_ids=[Enrolment.objects.get().pk], reason="CONVERTED", now=NOW)
    assert Message.objects.get().state == State.SKIPPED
    report(Message.objects.get())

    reconcile.reconcile(now=NOW, wall_now=clock.wall_now())

    message = Message.objects.get()
    assert (message.state, message.reason) == (State.ACCEPTED, "")


def test_evidence_that_came_before_the_click_settles_it(campaign):
    report(Message.objects.get())
    reconcile.reconcile(now=NOW, wall_now=clock.wall_now())

    assert again(campaign) == 0
    assert Message.objects.get().state == State.ACCEPTED


def test_an_opt_out_wins(campaign):
    again(campaign)
    opt_out.opt_out(point_id=Message.objects.get().point_id, source="page", at=NOW, now=NOW)

    assert (send().state, Message.objects.get().reason) == (State.SKIPPED, "OPTED_OUT")


def test_it_may_go_as_late_as_it_was_allowed_to_at_first(campaign):
    before = Message.objects.get()
    again(campaign, now=NOW + timedelta(days=9))

    message = Message.objects.get()
    assert message.send_by is not None
    assert before.send_by is not None
    assert message.send_by - message.due_at == before.send_by - before.planned_at


@pytest.mark.parametrize("reason", ["CONVERTED", "REFUSED", "LEFT_SEGMENT", "OPTED_OUT"])
def test_who_left_for_a_reason_gets_nothing_again(campaign, reason):
    exits.end_enrolments(enrolment_ids=[Enrolment.objects.get().pk], reason=reason, now=NOW)

    assert unclear.look(campaign=campaign, now=NOW) == Unclear(messages=1, again=0, people=0)
    assert again(campaign) == 0


def test_who_has_been_through_may(campaign):
    Enrolment.objects.update(step_key="", due_at=None)
    assert wake.complete_finished(now=NOW) == 1

    assert again(campaign) == 1


def test_who_leaves_before_it_goes_gets_nothing(campaign):
    again(campaign)
    exits.end_enrolments(enrolment_ids=[Enrolment.objects.get().pk], reason="CONVERTED", now=NOW)

    assert (send().state, Message.objects.get().reason) == (State.SKIPPED, "CONVERTED")


def test_figures_that_are_no_longer_true_are_not_sent_again(campaign):
    again(campaign)
    Account.objects.update(revision=7)

    assert send().reason == "FACTS_CHANGED"
    assert replan.plan_anew(now=NOW) == 0
    Enrolment.objects.update(step_key="", due_at=None)
    assert wake.complete_finished(now=NOW) == 1


def test_nor_those_whose_account_changed_before(campaign):
    Account.objects.update(revision=7)

    assert unclear.look(campaign=campaign, now=NOW).again == 0
    assert again(campaign) == 0


def test_nor_what_is_a_month_old(campaign):
    assert again(campaign, now=make.NOW + timedelta(days=31)) == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda message: type(message.gate).objects.update(state="STOPPED"),
        lambda message: Account.objects.update(revision=7),
        lambda message: Message.objects.update(ended_at=NOW - delivery.LATEST),
    ],
    ids=["stopped", "changed", "a month old"],
)
def test_what_comes_between_the_look_and_the_click_holds(campaign, spoil):
    message = Message.objects.get()
    spoil(message)

    assert delivery.send_again(message_ids=[message.pk], by="dana", now=NOW) == []


@pytest.mark.parametrize("same", ["account", "contact"])
def test_who_has_come_in_again_gets_the_steps_anew_and_not_the_old_one_beside(campaign, same):
    old = Enrolment.objects.get()
    Enrolment.objects.update(state="ENDED", exit_reason="COMPLETED", due_at=None)
    account = make.ready_account() if same == "contact" else old.account
    contact = old.contact if same == "contact" else make.reader(account)
    newer = {field: getattr(old, field) for field in ("campaign", "version", "entry", "arm", "step_entered_at")}
    number = 2 if same == "account" else 1
    Enrolment.objects.create(**newer, account=account, contact=contact, entry_number=number, enrolled_at=NOW)

    assert unclear.look(campaign=campaign, now=NOW) == Unclear(messages=1, again=0, people=0, came_again=1)
    assert again(campaign) == 0


def test_a_stopped_campaign_sends_nothing_again(campaign):
    lifecycle.stop(campaign=campaign, by="dana", now=NOW)

    assert unclear.look(campaign=campaign, now=NOW) == Unclear(messages=1, again=0, people=0)
    with pytest.raises(WrongStateError):
        again(campaign)


def test_left_as_it_is_it_asks_nobody_and_is_still_settled_by_a_late_report(campaign):
    assert unclear.leave(campaign=campaign, by="dana", now=NOW) == 1

    message = Message.objects.get()
    assert (message.state, message.decided_by) == (State.UNDETERMINED, "dana")
    assert unclear.look(campaign=campaign, now=NOW).messages == 0
    assert again(campaign) == 0
    report(message)
    reconcile.reconcile(now=NOW, wall_now=clock.wall_now())
    assert Message.objects.get().state == State.ACCEPTED


def test_unclear_once_more_it_asks_once_more(campaign):
    again(campaign)
    Message.objects.update(state=State.UNDETERMINED, attempt=2, ended_at=NOW + HOUR)

    assert unclear.look(campaign=campaign, now=NOW + HOUR) == Unclear(messages=1, again=1, people=1)
