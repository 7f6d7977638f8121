from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from campaigns.billing.models import Plan, PlanPrice, Quota, Subscription

# One row per account that has a current subscription: of several the highest MRR (a trial counts 0), then the
# latest start, then the smallest id by code point. Takes %(now)s; usable as a derived table.
CURRENT_SUBSCRIPTION_SQL = """
    SELECT DISTINCT ON (s.account_id) s.*
      FROM billing_subscription s
     WHERE s.status IN ('TRIALING', 'ACTIVE', 'PAST_DUE')
       AND s.started_at <= %(now)s AND (s.ended_at IS NULL OR s.ended_at > %(now)s)
     ORDER BY s.account_id,
              CASE WHEN s.status = 'TRIALING' THEN 0 ELSE s.mrr END DESC,
              s.started_at DESC,
              s.external_id COLLATE "C"
"""

_OF_ACCOUNTS = CURRENT_SUBSCRIPTION_SQL.replace("WHERE", "WHERE s.account_id = ANY(%(accounts)s) AND", 1)


def current_subscriptions(*, account_ids: Sequence[int], now: datetime) -> dict[int, Subscription]:
    """The current subscription of each account that has one, its plan loaded. Two queries for any number."""
    rows = list(Subscription.objects.raw(_OF_ACCOUNTS, {"now": now, "accounts": list(account_ids)}))
    plans = Plan.objects.in_bulk({row.plan_id for row in rows})
    for row in rows:
        row.plan = plans[row.plan_id]
    return {row.account_id: row for row in rows}


def next_plan_up(plan: Plan) -> Plan | None:
    """The lowest plan on sale that ranks above `plan`; None at the top."""
    return Plan.objects.filter(rank__gt=plan.rank, is_on_sale=True).order_by("rank", "code").first()


def price_for(*, plan: Plan, currency: str, interval: str) -> PlanPrice | None:
    return PlanPrice.objects.filter(plan=plan, currency=currency, interval=interval).first()


def limits_of(*, meter: str, plan_ids: Sequence[int]) -> dict[int, Decimal | None]:
    """How much of the meter each plan includes, None for any amount; a plan that says nothing about it is absent."""
    return dict(Quota.objects.filter(meter=meter, plan__in=plan_ids).values_list("plan_id", "limit"))
