"""Make an upgrade happen in billing, and take over at once what billing answers."""

from __future__ import annotations

from datetime import datetime

from campaigns.billing import catalog, subscribe
from campaigns.billing.models import MrrMovement, PlanPrice, Subscription
from orchestrator.connectors import registry
from orchestrator.connectors.contract import ConnectorMisconfigured, ConnectorRefusal


class NotTakenOver(ConnectorMisconfigured):
    """Billing has made the change; only our own tables do not know it yet."""


def change_plan(
    *, subscription: Subscription, price: PlanPrice, quantity: int, idempotency_key: str, now: datetime
) -> MrrMovement | None:
    """Move the subscription to `price`. The same key changes it once, however often it is called.

    Talks to billing outside any transaction. The webhook that billing sends afterwards tells the same MRR and
    makes no second movement. Raises ConnectorBusy (call again with the key), ConnectorMisconfigured (again once our
    key, permissions or catalogue are mended) and ConnectorRefusal (for good).
    """
    billing = registry.billing("stripe")
    state = billing.change_plan(
        subscription_id=subscription.external_id,
        item_id=subscription.billing_item_id,
        price_id=_find_price(price),
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


def _find_price(price: PlanPrice) -> str:
    """Billing's id of the price as it is sold today. Asked before each change: the id that we know may have been
    archived, and billing repeats a refusal under the same key for a day, also once the price is there again."""
    try:
        found = registry.billing("stripe").find_prices(lookup_keys=[price.lookup_key]).get(price.lookup_key)
    except ConnectorRefusal as error:
        # Nothing in this question is the customer's.
        raise ConnectorMisconfigured(error.detail, code=error.code) from error
    if not found:
        raise ConnectorMisconfigured(
            f"Billing has no active price with the lookup key {price.lookup_key}: make it there, or correct the"
            " catalogue.",
            code="unknown_price",
        )
    catalog.learn_price(lookup_key=price.lookup_key, billing_price_id=found)
    return found
