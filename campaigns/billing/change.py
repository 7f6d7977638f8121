"""Make an upgrade happen in billing, and take over at once what billing answers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from campaigns.billing import catalog, subscribe
from campaigns.billing.models import MrrMovement, PlanPrice, Subscription
from orchestrator.connectors import registry
from orchestrator.connectors.contract import ConnectorMisconfigured, ConnectorRefusal


class NotTakenOver(ConnectorMisconfigured):
    """Billing has made the change; only our own tables do not know it yet."""


def change_plan(
    *,
    subscription: Subscription,
    price: PlanPrice,
    quantity: int,
    monthly: Decimal,
    idempotency_key: str,
    now: datetime,
) -> MrrMovement | None:
    """Move the subscription to `price`, which was said to cost `monthly` (before discounts, for this quantity): where
    billing asks another, nothing is changed. The same key changes it once, however often it is called.

    Talks to billing outside any transaction. The webhook that billing sends afterwards tells the same MRR and
    makes no second movement. Raises ConnectorBusy (call again with the key), ConnectorMisconfigured (again once our
    key, permissions or catalogue are mended) and ConnectorRefusal (for good).
    """
    billing = registry.billing("stripe")
    state = billing.change_plan(
        subscription_id=subscription.external_id,
        item_id=subscription.billing_item_id,
        price_id=_find_price(price, quantity, monthly),
        quantity=quantity,
        idempotency_key=idempotency_key,
    )
    try:
        return subscribe.apply_subscription(
            state=state, account_id=subscription.account_id, cause=f"change:{idempotency_key}", now=now
        )
    except (subscribe.UnknownPlanError, subscribe.UnreadableStateError) as error:
        raise NotTakenOver(
            f"Billing made the change, but it cannot be taken over here: {error}", code="not_taken_over"
        ) from error


def _find_price(price: PlanPrice, quantity: int, monthly: Decimal) -> str:
    """Billing's id of the price as it is sold today, which is what was said. Asked before each change: the id that we
    know may have been archived, and billing repeats a refusal under the same key for a day, also once the price is
    there again."""
    try:
        found = registry.billing("stripe").find_price(lookup_key=price.lookup_key, quantity=quantity)
    except ConnectorRefusal as error:
        # Nothing in this question is the customer's.
        raise ConnectorMisconfigured(error.detail, code=error.code) from error
    if found is None:
        raise ConnectorMisconfigured(
            f"Billing has no active price with the lookup key {price.lookup_key}: make it there, or correct the"
            " catalogue.",
            code="unknown_price",
        )
    if found.monthly is not None and (found.monthly, found.currency) != (_cents(monthly), price.currency):
        raise ConnectorMisconfigured(
            f"Billing asks {found.monthly} {found.currency} a month for the price {price.lookup_key}, where {monthly}"
            f" {price.currency} was offered: make the offered price there again, or tell the customer.",
            code="another_price",
        )
    catalog.learn_price(lookup_key=price.lookup_key, billing_price_id=found.id)
    return found.id


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
