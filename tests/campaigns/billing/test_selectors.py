from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from campaigns.billing import selectors
from tests.factories.billing import PlanFactory, PlanPriceFactory, SubscriptionFactory
from tests.factories.profiles import AccountFactory

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def current(account):
    found = selectors.current_subscriptions(account_ids=[account.pk], now=NOW).get(account.pk)
    return found.external_id if found else None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"mrr": Decimal(30)}, {"mrr": Decimal(20)}),
        ({"mrr": Decimal(1)}, {"mrr": Decimal(99), "status": "TRIALING"}),
        ({"started_at": NOW - DAY}, {"started_at": NOW - 2 * DAY}),
        ({"external_id": "Z"}, {"external_id": "a"}),
        ({"status": "PAST_DUE"}, {"status": "CANCELED", "mrr": Decimal(99)}),
        ({"ended_at": NOW + DAY}, {"ended_at": NOW, "mrr": Decimal(99)}),
        ({"started_at": NOW}, {"started_at": NOW + DAY, "mrr": Decimal(99)}),
    ],
)
def test_the_first_of_two_subscriptions_is_the_current_one(first, second):
    account = AccountFactory()
    winner = SubscriptionFactory(account=account, **first)
    SubscriptionFactory(account=account, **second)

    assert current(account) == winner.external_id


@pytest.mark.django_db
def test_an_account_without_a_running_subscription_has_none():
    subscription = SubscriptionFactory(status="UNPAID")

    assert current(subscription.account) is None


@pytest.mark.django_db
def test_any_number_of_accounts_takes_two_queries(django_assert_num_queries):
    accounts = [SubscriptionFactory().account_id for _ in range(5)]

    with django_assert_num_queries(2):
        found = selectors.current_subscriptions(account_ids=accounts, now=NOW)
        plans = {row.plan.code for row in found.values()}

    assert (sorted(found), len(plans)) == (sorted(accounts), 5)


@pytest.mark.django_db
def test_the_next_plan_up_is_the_lowest_on_sale_above():
    basic, _, team = PlanFactory(rank=1), PlanFactory(rank=2, is_on_sale=False), PlanFactory(rank=3)
    PlanFactory(rank=4)

    assert selectors.next_plan_up(basic) == team
    assert selectors.next_plan_up(PlanFactory(rank=5)) is None


@pytest.mark.django_db
def test_a_price_is_found_by_plan_currency_and_interval():
    price = PlanPriceFactory(currency="ILS", interval="YEAR")

    assert selectors.price_for(plan=price.plan, currency="ILS", interval="YEAR") == price
    assert selectors.price_for(plan=price.plan, currency="USD", interval="YEAR") is None
