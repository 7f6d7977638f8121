from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from django.db import connection

from campaigns.billing import selectors
from campaigns.usage import current_plan
from tests.factories.billing import PlanFactory, SubscriptionFactory
from tests.factories.profiles import AccountFactory
from tests.factories.usage import NOW


@pytest.mark.django_db
def test_both_shapes_of_the_rule_agree_with_billing() -> None:
    rng = Random(80)
    accounts = AccountFactory.create_batch(12)
    plan = PlanFactory()
    for _ in range(60):
        SubscriptionFactory(
            account=rng.choice(accounts),
            plan=plan,
            status=rng.choice(["TRIALING", "ACTIVE", "PAST_DUE", "CANCELED", "PAUSED"]),
            mrr=rng.choice([0, 29, 99]),
            started_at=NOW + timedelta(days=rng.choice([-9, -9, -5, 0, 1])),
            ended_at=rng.choice([None, None, NOW - timedelta(days=1), NOW, NOW + timedelta(days=1)]),
        )
    expected = {
        subscription.pk
        for subscription in selectors.current_subscriptions(account_ids=[a.pk for a in accounts], now=NOW).values()
    }
    running = current_plan.is_running("s")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.id FROM billing_subscription s WHERE {running} AND {current_plan.is_best('s', 'rival')}",
            [NOW] * 4,
        )
        by_filter = {row[0] for row in cursor.fetchall()}
        cursor.execute(
            "SELECT first.id FROM profiles_account a JOIN LATERAL (SELECT s.id FROM billing_subscription s"
            f" WHERE s.account_id = a.id AND {running}"
            f" ORDER BY {current_plan.newest_first('s')} LIMIT 1) first ON true",
            [NOW] * 2,
        )
        one_by_one = {row[0] for row in cursor.fetchall()}
    assert len(expected) > 6
    assert by_filter == expected
    assert one_by_one == expected
