"""Stripe's webhooks and objects, in our words. Tolerant of API versions: the endpoint's, not the client's, decides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orchestrator.connectors.contract import BillingEvent, ListPrice, SubscriptionState
from orchestrator.connectors.stripe import mrr
from orchestrator.webhooks import body as bodies
from orchestrator.webhooks.errors import Unreadable

ACCOUNT_KEY = "account_external_id"

# A lookup key names plan, interval and currency, the last two in either order.
_LOOKUP_KEY = re.compile(r"(?P<plan>.+?)_(?:[a-z]{3}_(?:day|week|month|year)|(?:day|week|month|year)_[a-z]{3})")
_LATEST = 253402300799  # 9999-12-31T23:59:59Z

type _Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CustomerLink:
    """Which account of ours a billing customer is; `account_external_id` is '' when the customer does not say."""

    customer_id: str
    account_external_id: str


def parse_event(body: bytes) -> BillingEvent:
    """One verified webhook body. Raises webhooks.errors.Unreadable."""
    raw = bodies.read_json(body)
    if not isinstance(raw, dict) or raw.get("object", "event") != "event":
        raise Unreadable("The body is not a Stripe event.")
    at = _required_time(raw, "created")
    carried = raw.get("data", {}).get("object") if isinstance(raw.get("data"), dict) else None
    if not isinstance(carried, dict):
        raise Unreadable("The Stripe event carries no object: configure snapshot payloads.")
    is_subscription = carried.get("object") == "subscription"
    return BillingEvent(
        id=_required_text(raw, "id"),
        kind=_required_text(raw, "type"),
        at=at,
        subscription=parse_subscription(carried, as_of=at) if is_subscription else None,
        raw=raw,
    )


def customer_link(event: BillingEvent) -> CustomerLink | None:
    """What a `customer.*` event says about whose customer it is; None for other events."""
    carried = event.raw["data"]["object"]
    if carried.get("object") != "customer":
        return None
    return CustomerLink(customer_id=_required_text(carried, "id"), account_external_id=_account_of(carried))


def price_told(event: BillingEvent) -> tuple[str, ListPrice] | None:
    """The lookup key of a price that is on sale, and what one unit of it costs; None for other events."""
    price = event.raw["data"]["object"]
    if event.kind not in {"price.created", "price.updated"} or not price.get("id") or price.get("active") is False:
        return None
    try:
        asked = mrr.list_price(price, currency="", quantity=1)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None
    return str(price.get("lookup_key") or ""), asked


def parse_subscription(obj: _Object, *, as_of: datetime) -> SubscriptionState:
    """A subscription object of any API version since prices exist. Raises webhooks.errors.Unreadable.

    Of several items the first with a plan of ours is the one that speaks for plan, price,
    interval and quantity; the MRR is that of all of them.
    """
    try:
        return _read_subscription(obj, as_of)
    except (ArithmeticError, ValueError, TypeError, LookupError, AttributeError):
        raise Unreadable("The subscription is not in a shape that can be read.") from None


def _read_subscription(obj: _Object, as_of: datetime) -> SubscriptionState:
    item = _main_item(mrr.items_of(obj))
    price = item.get("price") or {}
    customer = obj.get("customer")
    return SubscriptionState(
        external_id=_required_text(obj, "id"),
        customer_id=str(customer.get("id", "")) if isinstance(customer, Mapping) else str(customer or ""),
        account_external_id=_account_of(obj) or (_account_of(customer) if isinstance(customer, Mapping) else ""),
        plan_code=_plan_code(price),
        status=_status(_required_text(obj, "status")),
        currency=str(obj.get("currency") or price.get("currency") or "").upper(),
        interval=str((price.get("recurring") or {}).get("interval") or "").upper(),
        quantity=int(item["quantity"]) if item.get("quantity") is not None else 1,
        mrr=mrr.monthly_revenue(obj, at=int(as_of.timestamp())),
        started_at=_time(obj, "start_date") or _required_time(obj, "created"),
        ended_at=_time(obj, "ended_at"),
        renews_at=_time(item, "current_period_end") or _time(obj, "current_period_end"),
        trial_ends_at=_time(obj, "trial_end"),
        cancel_scheduled=bool(obj.get("cancel_at_period_end") or obj.get("cancel_at")),
        item_id=str(item.get("id") or ""),
        price_id=str(price.get("id") or ""),
        as_of=as_of,
        price_key="" if _named_plan(price) else str(price.get("lookup_key") or ""),
    )


def _main_item(items: Sequence[_Object]) -> _Object:
    if not items:
        raise Unreadable("The subscription has no items.")
    return next((item for item in items if _plan_code(item.get("price") or {})), items[0])


def _named_plan(price: _Object) -> str:
    return str((price.get("metadata") or {}).get("plan") or "")


def _plan_code(price: _Object) -> str:
    if named := _named_plan(price):
        return named
    lookup_key = str(price.get("lookup_key") or "")
    match = _LOOKUP_KEY.fullmatch(lookup_key)
    return match["plan"] if match else lookup_key


def _account_of(holder: _Object) -> str:
    metadata = holder.get("metadata")
    return str(metadata.get(ACCOUNT_KEY) or "") if isinstance(metadata, Mapping) else ""


def _status(word: str) -> str:
    # A first payment that was never made ends a subscription that had not begun.
    return "CANCELED" if word == "incomplete_expired" else word.upper()


def _required_text(holder: _Object, name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"The Stripe object has no {name}.")
    return value


def _required_time(holder: _Object, name: str) -> datetime:
    at = _time(holder, name)
    if at is None:
        raise Unreadable(f"The Stripe object has no {name}.")
    return at


def _time(holder: _Object, name: str) -> datetime | None:
    value = holder.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LATEST:
        raise Unreadable(f"The Stripe object's {name} is not a unix time.")
    return datetime.fromtimestamp(value, UTC)
