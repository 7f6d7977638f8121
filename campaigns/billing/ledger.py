"""What an account's subscriptions earn, and what to call a change of it. Pure.

Only a report moves MRR: what counts depends on the rows alone, never on the time of asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from campaigns.billing.models import MrrMovement, Subscription

_PAID = frozenset({Subscription.Status.ACTIVE.value, Subscription.Status.PAST_DUE.value})

type Revenue = dict[tuple[int, str], Decimal]


@dataclass(frozen=True, slots=True)
class Move:
    """`is_first`: the account earned nothing before, so that it is new or comes back."""

    account_id: int
    currency: str
    delta: Decimal
    kind: MrrMovement.Kind
    is_first: bool


def earned(subscription: Subscription) -> Decimal:
    """A trial earns nothing, nor does a subscription that had ended when it was last reported."""
    has_ended = subscription.ended_at is not None and subscription.ended_at <= subscription.as_of
    return subscription.mrr if subscription.status in _PAID and not has_ended else Decimal(0)


def add_up(subscriptions: Iterable[Subscription]) -> Revenue:
    """By account and currency."""
    revenue: Revenue = {}
    for one in subscriptions:
        key = (one.account_id, one.currency)
        revenue[key] = revenue.get(key, Decimal(0)) + earned(one)
    return revenue


def compare(before: Revenue, after: Revenue) -> list[Move]:
    """One move per account and currency that changed; nearly always exactly one.

    Its kind goes by the account's whole MRR before and after, currencies added at the fixed rates.
    """
    zero = Decimal(0)
    moves = []
    for account_id, currency in sorted({*before, *after}):
        delta = after.get((account_id, currency), zero) - before.get((account_id, currency), zero)
        if delta:
            was, is_now = _total(account_id, before), _total(account_id, after)
            kind = _kind(was, is_now, is_now - was or delta)
            moves.append(Move(account_id, currency, delta, kind, is_first=was == 0))
    return moves


def _kind(was: Decimal, is_now: Decimal, change: Decimal) -> MrrMovement.Kind:
    if was == 0:
        return MrrMovement.Kind.NEW
    if is_now == 0:
        return MrrMovement.Kind.CHURN
    return MrrMovement.Kind.EXPANSION if change > 0 else MrrMovement.Kind.CONTRACTION


def _total(account_id: int, revenue: Revenue) -> Decimal:
    rates: Mapping[str, Decimal] = settings.EXCHANGE_RATES
    amounts = (
        amount * rates.get(currency, Decimal(1)) for (owner, currency), amount in revenue.items() if owner == account_id
    )
    return sum(amounts, Decimal(0))
