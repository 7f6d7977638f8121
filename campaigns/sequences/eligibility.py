"""What keeps an account out of a campaign, judged before the draw so that the arms stay comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.billing import selectors as billing
from campaigns.billing.models import Subscription
from campaigns.delivery import csm_task
from campaigns.offers import quote as quoting
from campaigns.offers import selectors as offers
from campaigns.offers.models import Offer
from campaigns.profiles import selectors as profiles
from campaigns.profiles.models import Score
from campaigns.sequences.models import Entry


@dataclass(frozen=True, slots=True)
class Judged:
    """`reasons`: the first that holds, by account. `prices`: what the offer costs the others. `subscriptions`: all the
    current ones."""

    reasons: dict[int, str] = field(default_factory=dict)
    prices: dict[int, quoting.Pricing] = field(default_factory=dict)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)


def judge_accounts(*, offer: Offer | None, account_ids: Sequence[int], now: datetime) -> Judged:
    """In this order: offer and price, the closed gates, an open task of a CSM, a recent refusal."""
    judged = Judged(subscriptions=billing.current_subscriptions(account_ids=account_ids, now=now))
    if offer is not None:
        priced = quoting.price_accounts(
            offer=offer, account_ids=account_ids, now=now, subscriptions=judged.subscriptions
        )
        judged.prices.update({one: price for one, price in priced.items() if isinstance(price, quoting.Pricing)})
        judged.reasons.update({one: price for one, price in priced.items() if isinstance(price, str)})
    closed = closed_gates(account_ids=account_ids, now=now, subscriptions=judged.subscriptions)
    called = csm_task.accounts_with_open_task(account_ids=account_ids)
    refused = offers.refused_account_ids(account_ids=account_ids, now=now)
    for account_id in account_ids:
        reason = judged.reasons.get(account_id) or closed.get(account_id) or _peace(account_id, called, refused)
        if reason:
            judged.reasons[account_id] = reason
    return judged


def closed_gates(
    *, account_ids: Sequence[int], now: datetime, subscriptions: Mapping[int, Subscription] | None = None
) -> dict[int, str]:
    """{account id: why nobody sells to it now}; the first of failed payment, notice of cancellation, a critical
    support ticket, red health. Accounts with open gates are absent."""
    if subscriptions is None:
        subscriptions = billing.current_subscriptions(account_ids=account_ids, now=now)
    troubled = profiles.accounts_in_trouble(account_ids=account_ids, now=now)
    red = red_accounts(account_ids=account_ids, now=now)
    reasons = {account_id: _gate(account_id, subscriptions, troubled, red) for account_id in account_ids}
    return {account_id: reason for account_id, reason in reasons.items() if reason}


def red_accounts(*, account_ids: Sequence[int], now: datetime) -> set[int]:
    newest = (
        Score.objects.filter(account_id__any=account_ids, kind="health", at__lte=now)
        .order_by("account_id", "-at", "-pk")
        .distinct("account_id")
        .values_list("account_id", "value")
    )
    return {account_id for account_id, value in newest if value < profiles.HEALTHY_FROM}


def _gate(account_id: int, subscriptions: Mapping[int, Subscription], troubled: set[int], red: set[int]) -> str:
    subscription = subscriptions.get(account_id)
    if subscription is not None and subscription.status == Subscription.Status.PAST_DUE:
        return Entry.Reason.PAYMENT_FAILED
    if subscription is not None and subscription.cancel_scheduled:
        return Entry.Reason.CANCELLING
    if account_id in troubled:
        return Entry.Reason.CRITICAL_TICKET
    return Entry.Reason.HEALTH_RED if account_id in red else ""


def _peace(account_id: int, called: set[int], refused: set[int]) -> str:
    if account_id in called:
        return Entry.Reason.CSM_TASK_OPEN
    return Entry.Reason.RECENT_REFUSAL if account_id in refused else ""
