"""What a contact's page says of plan, renewal and offer, and whom a message lost to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.billing.models import Subscription
from campaigns.console import contact_page
from campaigns.delivery.models import Message
from tests.campaigns.console.contacts import R, S, account_of, dana, page_of, to, topic
from tests.campaigns.console.reading import words_of
from tests.factories.offers import QuoteFactory
from tests.factories.sequences import launched, market
from tests.factories.usage import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_november")]
__all__ = ["dana", "topic"]


def test_an_offer_is_open_only_while_the_account_has_the_plan_it_was_made_from(marketer, dana):
    quote = QuoteFactory(account=account_of(dana), valid_until=NOW + timedelta(days=9))
    assert "Offer Team, open until" in words_of(marketer.get(page_of(dana)))
    Subscription.objects.update(plan=quote.to_price.plan)
    assert "open until" not in words_of(marketer.get(page_of(dana)))


@pytest.mark.parametrize(
    ("days", "cancelled", "said"),
    [
        (3, False, "25 Mar"),
        (-3, False, "was due 19 Mar; billing has not told the next day yet"),
        (3, True, "none: it is cancelled and ends 25 Mar"),
    ],
)
def test_a_renewal_is_one_to_come(days, cancelled, said):
    now = datetime(2026, 3, 22, 12, tzinfo=UTC)
    subscription = Subscription(renews_at=now + timedelta(days=days), cancel_scheduled=cancelled)
    assert contact_page.renewal_words(subscription=subscription, now=now) == said


def test_a_message_that_lost_names_the_campaign_it_lost_to(marketer, dana):
    market()
    winner = to(dana, origin_campaign=launched(name="Seats at 80 %").slug)
    lost = to(dana, state=S.SKIPPED, reason=R.LOST_ARBITRATION)
    Message.objects.filter(pk=lost.pk).update(lost_to=winner)
    assert "more worthwhile to say at the time. (Seats at 80 %)" in words_of(marketer.get(page_of(dana)))
