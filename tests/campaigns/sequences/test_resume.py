"""A paused campaign goes on: whoever has had a reason to leave meanwhile leaves before anything is sent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns.billing.models import Subscription
from campaigns.delivery import claim, dispatch
from campaigns.delivery.models import Message
from campaigns.offers import decline
from campaigns.profiles.models import Account, Score
from campaigns.segments import refresh
from campaigns.sequences import lifecycle
from campaigns.sequences.models import Campaign, Enrolment
from campaigns.usage.models import UsageDaily
from orchestrator import clock
from orchestrator.channels import registry
from tests.factories import sequences as make
from tests.factories.billing import MrrMovementFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOW = make.NOW
LATER = NOW + timedelta(hours=5)


def refuses(enrolment: Enrolment) -> None:
    assert enrolment.quote is not None
    decline.decline_quote(quote_uuid=enrolment.quote.uuid, contact_id=enrolment.contact_id, reason="OTHER", now=LATER)


def stops_paying(enrolment: Enrolment) -> None:
    Subscription.objects.filter(account=enrolment.account).update(status="PAST_DUE")


def announces_the_end(enrolment: Enrolment) -> None:
    Subscription.objects.filter(account=enrolment.account).update(cancel_scheduled=True)


def turns_red(enrolment: Enrolment) -> None:
    Score.objects.create(account=enrolment.account, kind="health", value=Decimal(12), at=LATER)


def leaves_the_audience(enrolment: Enrolment) -> None:
    UsageDaily.objects.update(value=1)
    assert enrolment.campaign.segment is not None
    refresh.refresh_segment(segment=enrolment.campaign.segment, now=LATER)


def upgrades(enrolment: Enrolment) -> None:
    subscription = Subscription.objects.get(account=enrolment.account)
    MrrMovementFactory(subscription=subscription, kind="EXPANSION", at=LATER)


@pytest.fixture
def paused() -> Enrolment:
    """The first mail is ready to go when the campaign is paused."""
    make.market()
    make.ready_account()
    campaign = make.launched(holdout_percent=None)
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    return Enrolment.objects.select_related("account", "quote", "campaign__segment").get()


def resumed_and_sent() -> int:
    """The senders look before the advancing job does."""
    lifecycle.resume(campaign=Campaign.objects.get(), by="dana", now=LATER)
    box = registry.outbox("email")
    box.clear()
    dispatch.dispatch_due(channel="email", now=LATER, worker="tests")
    return len(box.sent)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (refuses, "REFUSED"),
        (stops_paying, "GATE_CLOSED"),
        (announces_the_end, "GATE_CLOSED"),
        (turns_red, "GATE_CLOSED"),
        (leaves_the_audience, "LEFT_SEGMENT"),
        (upgrades, "CONVERTED"),
    ],
)
def test_whoever_must_leave_gets_nothing_and_has_left_for_that_reason(paused, happens, reason):
    happens(paused)
    assert resumed_and_sent() == 0
    paused.refresh_from_db()
    assert (paused.state, paused.exit_reason) == ("ENDED", reason)
    assert Message.objects.values_list("state", "reason").get() == ("SKIPPED", reason)


def test_everybody_else_gets_what_fell_due(paused):
    assert resumed_and_sent() == 1


def test_whoever_may_stay_in_spite_of_a_reason_stays(db):
    make.market()
    make.ready_account()
    campaign = make.launched(holdout_percent=None, exit_on=["OPTED_OUT"])
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    leaves_the_audience(Enrolment.objects.select_related("campaign__segment").get())
    assert resumed_and_sent() == 1


def test_a_no_keeps_the_message_of_the_same_second_from_going():
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None)
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    refuses(Enrolment.objects.select_related("quote").get())
    dispatch.dispatch_due(channel="email", now=LATER, worker="tests")
    assert Message.objects.values_list("state", "reason").get() == ("SKIPPED", "FACTS_CHANGED")


def test_an_offer_refused_is_a_new_revision_of_the_account(paused):
    before = Account.objects.get().revision
    refuses(paused)
    assert Account.objects.get().revision == before + 1
