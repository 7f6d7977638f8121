"""What a message may quote about a subscription."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from campaigns.billing.models import Subscription
from campaigns.sequences import standing
from tests.factories.billing import PlanFactory, PlanPriceFactory, SubscriptionFactory
from tests.factories.profiles import AccountFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATE = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)


def of(account):
    return standing.gather_standing(account_ids=[account.pk], now=NOW).get(account.pk)


def subscribed(account=None, **fields):
    account = account or AccountFactory(time_zone="")
    plan = PlanFactory(code="team", name="Team")
    defaults = {"plan": plan, "currency": "EUR", "mrr": Decimal("90.00"), "renews_at": LATE}
    SubscriptionFactory(account=account, **(defaults | fields))
    return account


def test_an_active_subscription_says_its_price_and_the_day_it_renews():
    assert of(subscribed()) == {
        "plan": "team",
        "plan_name": "Team",
        "currency": "EUR",
        "interval": "MONTH",
        "monthly": "90.00",
        "renews_on": "2026-03-31",
    }


def test_the_day_is_that_of_the_account_s_own_zone():
    assert of(subscribed(AccountFactory(time_zone="Asia/Jerusalem")))["renews_on"] == "2026-04-01"


def test_a_cancelled_subscription_does_not_renew():
    assert "renews_on" not in of(subscribed(cancel_scheduled=True))


def test_a_day_that_is_past_is_no_renewal_to_come():
    assert "renews_on" not in of(subscribed(renews_at=NOW - timedelta(days=1)))


def test_a_trial_says_when_it_ends_and_what_the_plan_costs_afterwards():
    account = subscribed(
        status=Subscription.Status.TRIALING, mrr=Decimal(0), interval="YEAR", trial_ends_at=NOW + timedelta(days=5)
    )
    PlanPriceFactory(
        plan=PlanFactory(code="team"), currency="EUR", interval="YEAR", unit_amount=Decimal("900.00"), lookup_key="ty"
    )
    found = of(account)
    assert (found["trial_ends_on"], found["monthly"]) == ("2026-03-07", "75.00")
    assert "renews_on" not in found


def test_a_trial_of_a_plan_without_a_price_names_none():
    assert "monthly" not in of(subscribed(status=Subscription.Status.TRIALING, mrr=Decimal(0)))


def test_an_account_without_a_subscription_is_absent():
    assert of(AccountFactory()) is None
