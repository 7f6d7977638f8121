from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns.billing.models import MrrMovement
from campaigns.conversions import goals, sweep
from campaigns.conversions.models import AttributionCredit, Conversion, Goal
from campaigns.crm.models import WriteBack
from campaigns.delivery.models import Message
from campaigns.offers import accept
from campaigns.offers.models import Quote
from campaigns.segments import evaluate
from campaigns.sequences.models import Enrolment, Entry
from tests.campaigns.conversions.upgrades import LATER, campaign_of, convert, expansion
from tests.campaigns.offers.outside import billing_in_memory
from tests.factories import sequences as make

NOW = make.NOW


@pytest.fixture(scope="module")
def scene(shared_rows):
    """One account was enrolled."""
    return campaign_of()


@pytest.fixture
def account(scene, db):
    return Entry.objects.get().account


def test_a_launched_campaign_has_a_goal(account):
    goal = Goal.objects.get()
    assert (goal.kind, goal.window_days) == ("UPGRADE", 14)


def test_an_upgrade_inside_the_window_converts(account):
    (conversion,) = convert(expansion(account))
    assert (conversion.account, conversion.mrr_delta, conversion.converted_at) == (account, Decimal(70), LATER)
    assert conversion.via_link is False


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (NOW - timedelta(seconds=1), 0),
        (NOW, 1),
        (NOW + timedelta(days=14), 1),
        (NOW + timedelta(days=14, seconds=1), 0),
    ],
)
def test_the_window_begins_with_the_entry_and_includes_its_end(account, at, number):
    assert len(convert(expansion(account, at=at))) == number


def test_who_was_not_enrolled_converts_nothing(account):
    Entry.objects.update(outcome=Entry.Outcome.NOT_ENROLLED, reason="opted_out")
    assert convert(expansion(account)) == []


def test_reports_are_in_one_currency(account, settings):
    settings.EXCHANGE_RATES = {"USD": Decimal(1), "EUR": Decimal("1.10")}
    (conversion,) = convert(expansion(account, currency="EUR"))
    assert (conversion.mrr_delta, conversion.reporting_delta) == (Decimal(70), Decimal("77.00"))


def test_a_conversion_ends_the_enrolment_and_skips_what_waits(account):
    convert(expansion(account))
    enrolment, message = Enrolment.objects.get(), Message.objects.get()
    assert (enrolment.state, enrolment.exit_reason) == ("ENDED", "CONVERTED")
    assert (message.state, message.reason) == ("SKIPPED", "CONVERTED")


def test_the_last_message_that_a_human_clicked_is_credited(account):
    message = Message.objects.get()
    Message.objects.update(state="ACCEPTED", accepted_at=NOW, clicked_at=NOW + timedelta(days=1))
    (conversion,) = convert(expansion(account))
    credit = AttributionCredit.objects.get()
    assert (credit.conversion, credit.message, credit.weight) == (conversion, message, Decimal(1))


def test_the_credited_message_says_when_the_account_converted_and_segments_can_ask(account):
    Message.objects.update(state="ACCEPTED", accepted_at=NOW, clicked_at=NOW + timedelta(days=1))
    convert(expansion(account))
    assert Message.objects.get().converted_at == LATER
    asked = {"engagement": "converted", "campaign": "seats-80", "step": "mail-1", "channel": "email", "window": "1d"}
    assert evaluate.matching_ids(document=asked, ids=[account.pk], now=LATER) == {account.pk}
    assert evaluate.matching_ids(document=asked, ids=[account.pk], now=LATER + timedelta(days=2)) == set()


def test_of_two_conversions_of_a_message_the_earlier_one_stands(account):
    Message.objects.update(state="ACCEPTED", accepted_at=NOW, clicked_at=NOW + timedelta(days=1))
    convert(expansion(account))
    convert(expansion(account, at=LATER + timedelta(days=1)))
    convert(expansion(account, at=LATER - timedelta(hours=1)))
    assert Message.objects.get().converted_at == LATER - timedelta(hours=1)


@pytest.mark.parametrize("clicked_at", [None, LATER + timedelta(hours=1)])
def test_without_a_click_before_it_nothing_is_credited(account, clicked_at):
    Message.objects.update(state="ACCEPTED", accepted_at=NOW, clicked_at=clicked_at)
    convert(expansion(account))
    assert not AttributionCredit.objects.exists()
    assert Message.objects.get().converted_at is None


def test_the_crm_is_told_of_the_deal_and_of_the_account(account):
    (conversion,) = convert(expansion(account))
    deal = WriteBack.objects.get(kind=WriteBack.Kind.DEAL).payload
    assert (deal["conversion_id"], deal["amount"], deal["currency"]) == (str(conversion.uuid), "70", "USD")
    assert deal["account"] == account.external_id
    status = WriteBack.objects.get(kind=WriteBack.Kind.ACCOUNT_STATUS).payload
    assert status["properties"]["upsell_status"] == "upgraded"
    assert status["properties"]["upsell_last_campaign"] == "seats-80"


def test_one_upgrade_in_two_campaigns_is_one_deal(account):
    make.launched(holdout_percent=None, slug="second")
    goals.settle_goals()
    movement = expansion(account)
    assert len(convert(movement)) == 2
    assert WriteBack.objects.filter(kind=WriteBack.Kind.DEAL).count() == 1


def test_a_movement_converts_once(account):
    movement = expansion(account)
    convert(movement)
    assert convert(movement) == []
    assert Conversion.objects.count() == 1


def test_an_upgrade_by_the_link_says_so(account):
    quote = Quote.objects.get()
    contact_id = Enrolment.objects.get().contact_id
    with billing_in_memory():
        accept.accept_quote(quote_uuid=quote.uuid, contact_id=contact_id, now=NOW, wall_now=NOW)
    (conversion,) = convert(*MrrMovement.objects.filter(kind=MrrMovement.Kind.EXPANSION))
    assert conversion.via_link is True


def test_when_the_webhook_was_quicker_the_link_is_still_known(account):
    quote = Quote.objects.get()
    Quote.objects.update(state="ACCEPTED", answered_at=LATER)
    (conversion,) = convert(expansion(account, to_plan=quote.to_price.plan, cause="evt_1"))
    assert conversion.via_link is True


def test_the_sweep_finds_what_the_pull_missed_and_then_nothing(account):
    expansion(account)
    assert len(sweep.sweep_conversions(now=LATER)) == 1
    assert sweep.sweep_conversions(now=LATER) == []
