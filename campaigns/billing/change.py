"""Make an upgrade happen in billing, and take over at once what billing answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial

from campaigns.billing import catalog, subscribe
from campaigns.billing.models import MrrMovement, PlanPrice, Subscription
from orchestrator.connectors import registry
from orchestrator.connectors.contract import (
    Billing,
    ConnectorBusy,
    ConnectorError,
    ConnectorMisconfigured,
    ConnectorRefusal,
    ListPrice,
)

_CENT = Decimal("0.01")


class NotTakenOver(ConnectorMisconfigured):
    """Billing has made the change; only our own tables do not know it yet."""


class NotAsked(ConnectorBusy):
    """Billing did not say what it asks for the plan: nothing was changed, nor can have been by this call."""


def change_plan(
    *,
    subscription: Subscription,
    price: PlanPrice,
    offered_id: str = "",
    quantity: int,
    monthly: Decimal,
    idempotency_key: str,
    now: datetime,
) -> MrrMovement | None:
    """Move the subscription to `price`, which was said to cost `monthly` (before discounts, for this quantity): where
    billing asks another, nothing is changed. `offered_id`: what its id in billing was then, where we knew it. The same
    key changes it once, however often it is called.

    Talks to billing outside any transaction. The webhook that billing sends afterwards tells the same MRR and
    makes no second movement. Raises ConnectorBusy (call again with the key; NotAsked where nothing can have been
    changed), ConnectorMisconfigured (again once our key, permissions or catalogue are mended) and ConnectorRefusal
    (for good).
    """
    billing = registry.billing("stripe")
    state = billing.change_plan(
        subscription_id=subscription.external_id,
        item_id=subscription.billing_item_id,
        price_id=_find_price(billing, price, offered_id, quantity, monthly),
        quantity=quantity,
        idempotency_key=idempotency_key,
    )
    try:
        return subscribe.apply_subscription(
            state=state,
            account_id=subscription.account_id,
            cause=f"change:{idempotency_key}",
            now=now,
            bought=price.plan,
        )
    except (subscribe.UnknownPlanError, subscribe.UnreadableStateError) as error:
        raise NotTakenOver(
            f"Billing made the change, but it cannot be taken over here: {error}", code="not_taken_over"
        ) from error


def is_unmade(*, subscription: Subscription, price: PlanPrice, offered_id: str) -> bool:
    """Whether billing says that the subscription is at the price that we knew before a change to `price`, which is
    in nobody's call by now. False also where it says nothing."""
    try:
        state = registry.billing("stripe").fetch_subscription(subscription_id=subscription.external_id)
    except ConnectorError:
        return False
    is_new = state.price_id in {offered_id, price.billing_price_id} or state.plan_code == price.plan.code
    return bool(state.price_id) and state.price_id == subscription.billing_price_id and not is_new


def _find_price(billing: Billing, price: PlanPrice, offered_id: str, quantity: int, monthly: Decimal) -> str:
    """Billing's id of a price that is what was said. Asked before each change: the id that we know may have been
    archived, and billing repeats a refusal under the same key for a day, also once the price is there again. Where
    the price was raised meanwhile, the key names the new one, and the one that was offered may still be sold."""
    found = _ask(lambda: billing.find_price(lookup_key=price.lookup_key, currency=price.currency, quantity=quantity))
    if found is not None and _is_as_said(found, price, monthly):
        catalog.learn_price(lookup_key=price.lookup_key, billing_price_id=found.id)
        return found.id
    asked = {"", found.id if found is not None else ""}
    for known in dict.fromkeys([offered_id, price.billing_price_id]):
        if known in asked:
            continue
        earlier = _ask(partial(billing.read_price, price_id=known, currency=price.currency, quantity=quantity))
        if earlier is not None and _is_as_said(earlier, price, monthly):
            return known
    if found is None:
        raise ConnectorMisconfigured(
            f"Billing has no active price with the lookup key {price.lookup_key}: make it there, or correct the"
            " catalogue.",
            code="unknown_price",
        )
    raise ConnectorMisconfigured(
        f"Billing asks another price under the lookup key {price.lookup_key} than was offered"
        f" ({_words(found, quantity)}, not {_unit(monthly, quantity)} {price.currency} a month): make the offered price"
        " there, or end what waits for it and tell the customers.",
        code="another_price",
    )


def _ask(question: Callable[[], ListPrice | None]) -> ListPrice | None:
    try:
        return question()
    except ConnectorRefusal as error:
        if error.code == "resource_missing":
            return None
        # Nothing in this question is the customer's.
        raise ConnectorMisconfigured(error.detail, code=error.code) from error
    except ConnectorBusy as error:
        raise NotAsked(error.detail, code=error.code, retry_after_s=error.retry_after_s) from error


def _is_as_said(found: ListPrice, price: PlanPrice, monthly: Decimal) -> bool:
    said = (monthly.quantize(_CENT), price.currency, price.interval)
    return (found.monthly, found.currency, found.interval) == said


def _words(found: ListPrice, quantity: int) -> str:
    """The same of all that wait for the same price, whatever their quantity."""
    if found.monthly is None or not found.interval:
        return "by use, or at other times than we sell"
    return f"{_unit(found.monthly, quantity)} {found.currency} a month, charged each {found.interval.lower()}"


def _unit(monthly: Decimal, quantity: int) -> Decimal:
    return (monthly / quantity).quantize(_CENT)
