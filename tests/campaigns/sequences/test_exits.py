"""Every reason to leave, through the jobs that bells ring: what is written elsewhere ends the enrolment here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from campaigns.billing.models import MrrMovement, Subscription
from campaigns.consent import opt_out
from campaigns.conversions import jobs as conversion_jobs
from campaigns.delivery import jobs as delivery_jobs
from campaigns.delivery.models import CsmTask, Message
from campaigns.offers import decline
from campaigns.profiles import changes
from campaigns.segments import jobs as segment_jobs
from campaigns.sequences import jobs, lifecycle, selectors
from campaigns.sequences.models import Enrolment
from campaigns.usage.models import UsageDaily
from tests.factories import sequences as make
from tests.factories.billing import MrrMovementFactory
from tests.settled import wait_until_settled

pytestmark = pytest.mark.django_db(transaction=True)

NOW = make.NOW
NEXT_DAY = NOW + timedelta(days=1)
TASK = {
    "key": "call",
    "kind": "MESSAGE",
    "channel": "csm_task",
    "variants": {"a": {"content": {"en": {"title": "Call {{ account.name }}", "text": "About {{ offer.plan_to }}."}}}},
}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def enrolled(clock) -> Enrolment:
    """Enrolled at NOW, the first mail sent; the next step is due in three days. It is the next day now."""
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None)
    delivery_jobs.dispatch()
    assert Message.objects.get().state == Message.State.ACCEPTED
    clock.move_to(NEXT_DAY)
    return Enrolment.objects.select_related("campaign", "account", "contact", "quote").get()


def run_jobs() -> None:
    wait_until_settled()
    segment_jobs.refresh_live()
    conversion_jobs.find_conversions()
    wait_until_settled()
    jobs.enrol()
    jobs.advance()


def ending_of(enrolment: Enrolment) -> tuple[str, str]:
    run_jobs()
    enrolment.refresh_from_db()
    return enrolment.state, enrolment.exit_reason


def test_nothing_happened_so_nobody_leaves(enrolled):
    assert ending_of(enrolled) == ("OPEN", "")


def test_an_upgrade_ends_it_before_its_next_step_is_due(enrolled):
    MrrMovementFactory(
        subscription=enrolled.account.subscriptions.get(),
        kind=MrrMovement.Kind.EXPANSION,
        delta=Decimal(70),
        at=NEXT_DAY,
    )
    assert ending_of(enrolled) == ("ENDED", "CONVERTED")


def test_an_opt_out_ends_it(enrolled):
    point = Message.objects.get().point_id
    opt_out.opt_out(point_id=point, source="unsubscribe_page", at=NEXT_DAY, now=NEXT_DAY)
    assert ending_of(enrolled) == ("ENDED", "OPTED_OUT")


def test_leaving_the_audience_ends_it(enrolled):
    UsageDaily.objects.update(value=1)
    assert ending_of(enrolled) == ("ENDED", "LEFT_SEGMENT")


def test_a_no_ends_it(enrolled):
    decline.decline_quote(quote_uuid=enrolled.quote.uuid, contact_id=enrolled.contact_id, reason="OTHER", now=NEXT_DAY)
    assert ending_of(enrolled) == ("ENDED", "REFUSED")


@pytest.mark.parametrize("change", [{"status": Subscription.Status.PAST_DUE}, {"cancel_scheduled": True}])
def test_a_gate_that_closes_ends_it(enrolled, change):
    Subscription.objects.filter(account=enrolled.account).update(**change)
    changes.note_accounts(account_ids=[enrolled.account_id], kind=changes.PLAN_CHANGED, now=NEXT_DAY)
    assert ending_of(enrolled) == ("ENDED", "GATE_CLOSED")


def test_a_stopped_campaign_ends_it(enrolled):
    lifecycle.stop(campaign=enrolled.campaign, by="tests", now=NEXT_DAY)
    assert ending_of(enrolled) == ("ENDED", "STOPPED")


@pytest.mark.parametrize(
    ("reason", "happens"),
    [
        ("OPTED_OUT", lambda one: opt_out.opt_out(
            point_id=Message.objects.get().point_id, source="unsubscribe_page", at=NEXT_DAY, now=NEXT_DAY)),
        ("LEFT_SEGMENT", lambda _one: UsageDaily.objects.update(value=1)),
        ("REFUSED", lambda one: decline.decline_quote(
            quote_uuid=one.quote.uuid, contact_id=one.contact_id, reason="OTHER", now=NEXT_DAY)),
        ("GATE_CLOSED", lambda one: Subscription.objects.filter(account=one.account).update(status="PAST_DUE")),
    ],
)  # fmt: skip
def test_a_reason_that_the_file_leaves_out_ends_nothing(clock, reason, happens):
    make.market()
    make.ready_account()
    others = [one for one in ("CONVERTED", "OPTED_OUT", "LEFT_SEGMENT", "REFUSED", "GATE_CLOSED") if one != reason]
    make.launched(holdout_percent=None, exit_on=others)
    enrolment = Enrolment.objects.select_related("account", "quote").get()
    clock.move_to(NEXT_DAY)
    happens(enrolment)
    changes.note_accounts(account_ids=[enrolment.account_id], kind=changes.PLAN_CHANGED, now=NEXT_DAY)
    assert ending_of(enrolment) == ("OPEN", "")


def test_the_messages_of_who_leaves_are_not_sent(enrolled, clock):
    clock.move_to(NOW + timedelta(days=3))
    jobs.advance()
    assert Message.objects.get(origin_step="banner").state == Message.State.PLANNED
    decline.decline_quote(
        quote_uuid=enrolled.quote.uuid, contact_id=enrolled.contact_id, reason="OTHER", now=NOW + timedelta(days=3)
    )
    assert ending_of(enrolled) == ("ENDED", "REFUSED")
    delivery_jobs.dispatch()
    banner = Message.objects.get(origin_step="banner")
    assert (banner.state, banner.reason) == (Message.State.SKIPPED, Message.Reason.REFUSED)


def test_an_upgrade_calls_the_open_task_off(clock):
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None, steps=[TASK])
    delivery_jobs.dispatch()
    task = CsmTask.objects.get()
    clock.move_to(NEXT_DAY)
    MrrMovementFactory(
        subscription=task.account.subscriptions.get(), kind=MrrMovement.Kind.EXPANSION, delta=Decimal(70), at=NEXT_DAY
    )
    run_jobs()
    task.refresh_from_db()
    assert (task.state, task.closed_at) == ("CANCELLED", NEXT_DAY)


def test_an_account_with_an_open_task_is_not_enrolled_elsewhere(clock):
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None, steps=[TASK])
    delivery_jobs.dispatch()
    second = make.launched(holdout_percent=None, slug="another")
    assert second.entries.get().reason == "csm_task_open"


def upgrades(one: Enrolment) -> None:
    MrrMovementFactory(
        subscription=one.account.subscriptions.get(),
        kind=MrrMovement.Kind.EXPANSION,
        delta=Decimal(70),
        at=NOW + timedelta(days=3),
    )


def opts_out(one: Enrolment) -> None:
    point = Message.objects.get(origin_step="mail-1").point_id
    opt_out.opt_out(point_id=point, source="unsubscribe_page", at=NEXT_DAY, now=NEXT_DAY)


def leaves(_one: Enrolment) -> None:
    UsageDaily.objects.update(value=1)


def refuses(one: Enrolment) -> None:
    assert one.quote is not None
    decline.decline_quote(quote_uuid=one.quote.uuid, contact_id=one.contact_id, reason="OTHER", now=NEXT_DAY)


def fails_to_pay(one: Enrolment) -> None:
    Subscription.objects.filter(account=one.account).update(status=Subscription.Status.PAST_DUE)
    changes.note_accounts(account_ids=[one.account_id], kind=changes.PLAN_CHANGED, now=NEXT_DAY)


def is_stopped(one: Enrolment) -> None:
    lifecycle.stop(campaign=one.campaign, by="tests", now=NEXT_DAY)


@pytest.mark.parametrize(
    ("happens", "reason", "skipped_for"),
    [
        (upgrades, Enrolment.Exit.CONVERTED, Message.Reason.CONVERTED),
        (opts_out, Enrolment.Exit.OPTED_OUT, Message.Reason.OPTED_OUT),
        (leaves, Enrolment.Exit.LEFT_SEGMENT, Message.Reason.LEFT_SEGMENT),
        (refuses, Enrolment.Exit.REFUSED, Message.Reason.REFUSED),
        (fails_to_pay, Enrolment.Exit.GATE_CLOSED, Message.Reason.GATE_CLOSED),
        (is_stopped, Enrolment.Exit.STOPPED, Message.Reason.CAMPAIGN_STOPPED),
    ],
)
def test_every_reason_to_leave_skips_what_waits_and_leaves_the_ledger_whole(
    enrolled, clock, happens, reason, skipped_for
):
    clock.move_to(NOW + timedelta(days=3, minutes=1))
    jobs.advance()
    assert Message.objects.get(origin_step="banner").state == Message.State.PLANNED
    happens(enrolled)
    assert ending_of(enrolled) == ("ENDED", reason)
    ledger = selectors.ledger(campaign=enrolled.campaign, now=NOW + timedelta(days=3, minutes=1))
    assert ledger["skips"] == {skipped_for: 1}
    assert (ledger["messages"]["ACCEPTED"], ledger["messages"]["SKIPPED"], ledger["open"]) == (1, 1, 0)
