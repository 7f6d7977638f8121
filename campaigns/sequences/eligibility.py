"""What keeps an account out of a campaign, judged before the draw so that the arms stay comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from campaigns.billing import selectors as billing
from campaigns.billing.models import Subscription
from campaigns.offers import quote as quoting
from campaigns.offers import selectors as offers
from campaigns.profiles.models import Score
from campaigns.sequences.models import Campaign, Entry

# The published band 0-35 of a health score from 0 to 100: nobody sells to an account in the red.
HEALTHY_FROM = Decimal(36)


@dataclass(frozen=True, slots=True)
class Judged:
    """`reasons`: the first that holds, by account. `prices`: what the offer costs the others."""

    reasons: dict[int, str] = field(default_factory=dict)
    prices: dict[int, quoting.Pricing] = field(default_factory=dict)


def judge_accounts(*, campaign: Campaign, account_ids: Sequence[int], now: datetime) -> Judged:
    """In this order: offer and price, failed payment, notice of cancellation, red health, recent refusal."""
    judged = Judged()
    if campaign.offer is not None:
        priced = quoting.price_accounts(offer=campaign.offer, account_ids=account_ids, now=now)
        judged.prices.update({one: price for one, price in priced.items() if isinstance(price, quoting.Pricing)})
        judged.reasons.update({one: price for one, price in priced.items() if isinstance(price, str)})
    subscriptions = billing.current_subscriptions(account_ids=account_ids, now=now)
    red = red_accounts(account_ids=account_ids, now=now)
    refused = offers.refused_account_ids(account_ids=account_ids, now=now)
    for account_id in account_ids:
        reason = judged.reasons.get(account_id) or _gate(account_id, subscriptions, red, refused)
        if reason:
            judged.reasons[account_id] = reason
    return judged


def red_accounts(*, account_ids: Sequence[int], now: datetime) -> set[int]:
    newest = (
        Score.objects.filter(account_id__in=account_ids, kind="health", at__lte=now)
        .order_by("account_id", "-at", "-pk")
        .distinct("account_id")
    )
    return {score.account_id for score in newest if score.value < HEALTHY_FROM}


def _gate(account_id: int, subscriptions: Mapping[int, Subscription], red: set[int], refused: set[int]) -> str:
    subscription = subscriptions.get(account_id)
    if subscription is not None and subscription.status == Subscription.Status.PAST_DUE:
        return Entry.Reason.PAYMENT_FAILED
    if subscription is not None and subscription.cancel_scheduled:
        return Entry.Reason.CANCELLING
    if account_id in red:
        return Entry.Reason.HEALTH_RED
    return Entry.Reason.RECENT_REFUSAL if account_id in refused else ""
