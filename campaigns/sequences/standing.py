"""What a message may quote about an account's subscription: its price, the day it renews, the day its trial ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.billing import selectors as billing
from campaigns.billing.models import Subscription
from campaigns.delivery import windows
from campaigns.offers import quote
from campaigns.profiles.models import Account
from orchestrator.engine import pricing

# plan, currency, interval, quantity
type _Terms = tuple[int, str, str, int]


def gather_standing(
    *, account_ids: Sequence[int], now: datetime, subscriptions: Mapping[int, Subscription] | None = None
) -> dict[int, dict[str, Any]]:
    """By account id: `plan`, `plan_name`, `currency`, `interval`, and where known `monthly` (text, two decimals; in a
    trial what the plan costs afterwards), `renews_on`, `trial_ends_on` (ISO 8601 days in the account's own zone).

    Accounts without a current subscription are absent. A renewal that is cancelled, or past, is none. `subscriptions`
    are those current now, of a caller who has read them.
    """
    if subscriptions is None:
        subscriptions = billing.current_subscriptions(account_ids=account_ids, now=now)
    held = {account_id: subscriptions[account_id] for account_id in account_ids if account_id in subscriptions}
    zones = dict(Account.objects.filter(pk__any=list(held)).values_list("pk", "time_zone"))
    prices: dict[_Terms, Decimal | None] = {}
    return {
        account_id: _standing(
            one, windows.zone_of(contact_zone="", account_zone=zones.get(account_id, "")), prices, now
        )
        for account_id, one in held.items()
    }


def _standing(
    subscription: Subscription, zone: str, prices: dict[_Terms, Decimal | None], now: datetime
) -> dict[str, Any]:
    is_trial = subscription.status == Subscription.Status.TRIALING
    monthly = _after_trial(subscription, prices) if is_trial else subscription.mrr
    is_to_come = subscription.renews_at is not None and subscription.renews_at > now
    renews_at = subscription.renews_at if is_to_come and not is_trial and not subscription.cancel_scheduled else None
    found = {
        "plan": subscription.plan.code,
        "plan_name": subscription.plan.name,
        "currency": subscription.currency,
        "interval": subscription.interval,
        "monthly": None if monthly is None else f"{monthly:.2f}",
        "renews_on": _day(renews_at, zone),
        "trial_ends_on": _day(subscription.trial_ends_at, zone) if is_trial else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _after_trial(subscription: Subscription, prices: dict[_Terms, Decimal | None]) -> Decimal | None:
    """A trial's own MRR is 0; what it turns into is the plan's list price."""
    key = (subscription.plan_id, subscription.currency, subscription.interval, subscription.quantity)
    if key not in prices:
        price = billing.price_for(
            plan=subscription.plan, currency=subscription.currency, interval=subscription.interval
        )
        made = None if price is None else pricing.monthly(quote.engine_price(price), max(subscription.quantity, 1))
        prices[key] = made
    return prices[key]


def _day(moment: datetime | None, zone: str) -> str | None:
    return None if moment is None else moment.astimezone(ZoneInfo(zone)).date().isoformat()
