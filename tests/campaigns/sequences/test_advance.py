from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from campaigns.billing.models import MrrMovement
from campaigns.consent import opt_out
from campaigns.delivery import gates
from campaigns.delivery.models import Message, ProviderEvent
from campaigns.offers import accept, decline
from campaigns.sequences import advance, selectors, wake
from campaigns.sequences.models import Enrolment, StepRun
from orchestrator.connectors.contract import ConnectorMisconfigured
from tests.campaigns.offers.outside import billing_in_memory
from tests.factories import sequences as make
from tests.factories.billing import MrrMovementFactory
from tests.factories.offers import QuoteFactory

NOW = make.NOW
AFTER_THE_WAIT = NOW + timedelta(days=3)


@pytest.fixture(scope="module")
def scene(shared_rows) -> None:
    """One account, enrolled at NOW, its first mail accepted by the provider."""
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None)
    sent(Message.objects.get())


@pytest.fixture
def enrolled(scene, db) -> Enrolment:
    return Enrolment.objects.select_related("campaign", "account", "contact").get()


def sent(message: Message, at: datetime = NOW) -> None:
    Message.objects.filter(pk=message.pk).update(state=Message.State.ACCEPTED, accepted_at=at, ended_at=at)


def clicked(message: Message, at: datetime) -> None:
    Message.objects.filter(pk=message.pk).update(clicked_at=at)
    ProviderEvent.objects.create(
        received_at=at, provider="sendgrid", key=b"1" * 16, type="CLICKED", grade="HUMAN", at=at, message=message.uuid
    )


def look(at: datetime = AFTER_THE_WAIT) -> advance.Advanced:
    wake.wake_concerned(now=at)
    done = make.go_on(now=at)
    wake.complete_finished(now=at)
    return done


def test_nothing_is_looked_at_before_its_time(enrolled):
    assert look(AFTER_THE_WAIT - timedelta(seconds=1)) == advance.Advanced()


def test_who_did_not_react_gets_the_banner_after_the_wait(enrolled):
    assert look().planned == 1
    banner = Message.objects.get(origin_step="banner")
    assert (banner.channel, banner.due_at, banner.contact) == ("in_app", AFTER_THE_WAIT, enrolled.contact)
    assert StepRun.objects.get(message=banner).outcome == StepRun.Outcome.MESSAGE_PLANNED


def test_who_clicked_is_through(enrolled):
    clicked(Message.objects.get(), NOW + timedelta(hours=5))
    look()
    enrolled.refresh_from_db()
    assert (enrolled.state, enrolled.exit_reason) == ("ENDED", "COMPLETED")
    assert not Message.objects.filter(origin_step="banner").exists()


def test_a_step_looked_at_late_keeps_its_deadline(enrolled):
    look(AFTER_THE_WAIT + timedelta(days=5))
    banner = Message.objects.get(origin_step="banner")
    assert banner.due_at == AFTER_THE_WAIT + timedelta(days=5)
    assert banner.send_by == AFTER_THE_WAIT + timedelta(hours=48)


def test_an_enrolment_stays_open_until_its_last_message_is_final(enrolled):
    look()
    wake.complete_finished(now=AFTER_THE_WAIT)
    enrolled.refresh_from_db()
    assert enrolled.state == "OPEN"
    sent(Message.objects.get(origin_step="banner"), AFTER_THE_WAIT)
    look()
    enrolled.refresh_from_db()
    assert (enrolled.state, enrolled.exit_reason) == ("ENDED", "COMPLETED")
    assert not selectors.has_open_rows(campaign=enrolled.campaign)


def test_looking_twice_plans_once(enrolled):
    look()
    assert look().planned == 0
    assert Message.objects.filter(origin_step="banner").count() == 1


def test_an_upgrade_ends_the_enrolment(enrolled):
    subscription = enrolled.account.subscriptions.get()
    MrrMovementFactory(
        subscription=subscription, kind=MrrMovement.Kind.EXPANSION, delta=Decimal(70), at=NOW + timedelta(days=1)
    )
    look()
    enrolled.refresh_from_db()
    assert (enrolled.state, enrolled.exit_reason) == ("ENDED", "CONVERTED")


def test_an_upgrade_before_the_enrolment_is_none_of_ours(enrolled):
    MrrMovementFactory(
        subscription=enrolled.account.subscriptions.get(),
        kind=MrrMovement.Kind.EXPANSION,
        delta=Decimal(70),
        at=NOW - timedelta(days=1),
    )
    assert look().planned == 1


def test_an_opt_out_ends_the_enrolment_and_says_so(enrolled):
    opt_out.opt_out(point_id=Message.objects.get().point_id, source="unsubscribe_page", at=NOW, now=NOW)
    look()
    enrolled.refresh_from_db()
    assert enrolled.exit_reason == "OPTED_OUT"


def test_a_no_ends_the_enrolment(enrolled):
    decline.decline_quote(
        quote_uuid=enrolled.quote.uuid, contact_id=enrolled.contact_id, reason="OTHER", now=NOW + timedelta(days=1)
    )
    look()
    enrolled.refresh_from_db()
    assert enrolled.exit_reason == "REFUSED"


def test_who_left_the_audience_is_woken_before_its_time(enrolled):
    enrolled.entry.stay.left_at = NOW + timedelta(hours=1)
    enrolled.entry.stay.save()
    look(NOW + timedelta(hours=2))
    enrolled.refresh_from_db()
    assert enrolled.exit_reason == "LEFT_SEGMENT"


def test_a_closed_gate_ends_the_enrolment(enrolled):
    gates.stop_gate(slug="seats-80", now=NOW)
    look()
    enrolled.refresh_from_db()
    assert enrolled.exit_reason == "GATE_CLOSED"


def test_the_messages_of_who_leaves_are_skipped_for_the_same_reason(enrolled):
    look()
    decline.decline_quote(
        quote_uuid=enrolled.quote.uuid, contact_id=enrolled.contact_id, reason="OTHER", now=AFTER_THE_WAIT
    )
    Enrolment.objects.update(due_at=AFTER_THE_WAIT)
    advance.advance_due(now=AFTER_THE_WAIT)
    banner = Message.objects.get(origin_step="banner")
    assert (banner.state, banner.reason) == (Message.State.SKIPPED, Message.Reason.REFUSED)


def test_who_asked_for_a_call_gets_no_further_message(enrolled):
    decline.ask_call(quote_uuid=enrolled.quote.uuid, contact_id=enrolled.contact_id, now=NOW)
    look()
    assert StepRun.objects.get(step_key="banner").reason == "CALL_ASKED"


def test_nor_who_asked_for_it_by_a_later_quote(enrolled):
    """One whose figures changed is followed by another."""
    first = enrolled.quote
    later = QuoteFactory(account=first.account, offer=first.offer, subscription=first.subscription)
    decline.ask_call(quote_uuid=later.uuid, contact_id=enrolled.contact_id, now=NOW)
    look()
    assert StepRun.objects.get(step_key="banner").reason == "CALL_ASKED"


def test_who_said_yes_and_waits_for_us_is_not_asked_again(enrolled):
    before = enrolled.account.revision
    with billing_in_memory(ConnectorMisconfigured("check STRIPE_API_KEY")):
        accept.accept_quote(quote_uuid=enrolled.quote.uuid, contact_id=enrolled.contact_id, now=NOW, wall_now=NOW)
    look()
    assert StepRun.objects.get(step_key="banner").reason == "CONVERTED"
    enrolled.account.refresh_from_db()
    assert enrolled.account.revision == before + 1


def test_a_paused_campaign_stands_still(enrolled):
    type(enrolled.campaign).objects.update(status="PAUSED")
    assert look() == advance.Advanced()
