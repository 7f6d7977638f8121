"""The demo company's billing in Stripe's shape (API of 2025-03-31 and later: periods sit on the items)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any, Protocol

from orchestrator.sandbox.catalogue import MONTHS, PLANS, PRICES, Price


class Subscriber(Protocol):
    @property
    def external_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def created_on(self) -> date: ...
    @property
    def price(self) -> Price: ...
    @property
    def quantity(self) -> int: ...
    @property
    def status(self) -> str: ...


def billing_objects(accounts: Iterable[Subscriber], *, now: datetime) -> dict[str, list[dict[str, Any]]]:
    rows = list(accounts)
    return {
        "products": [product_object(code=plan.code, name=plan.name) for plan in PLANS],
        "prices": [price_object(price) for price in PRICES],
        "customers": [customer_object(account) for account in rows],
        "subscriptions": [subscription_object(account, now=now) for account in rows],
    }


def product_object(*, code: str, name: str) -> dict[str, Any]:
    return {
        "id": f"prod_{code}", "object": "product", "active": True, "created": 1_700_000_000, "default_price": None,
        "description": None, "images": [], "livemode": False, "marketing_features": [], "metadata": {"plan": code},
        "name": name, "shippable": None, "statement_descriptor": None, "tax_code": None, "type": "service",
        "unit_label": None, "updated": 1_700_000_000, "url": None,
    }  # fmt: skip


def price_object(price: Price) -> dict[str, Any]:
    amount = price.unit_amount * 100
    return {
        "id": price.id, "object": "price", "active": True, "billing_scheme": "per_unit", "created": 1_700_000_000,
        "currency": price.currency.lower(), "custom_unit_amount": None, "livemode": False,
        "lookup_key": price.lookup_key, "metadata": {"plan": price.plan}, "nickname": None,
        "product": f"prod_{price.plan}",
        "recurring": {
            "interval": price.interval.lower(), "interval_count": 1, "meter": None, "trial_period_days": None,
            "usage_type": "licensed",
        },
        "tax_behavior": "unspecified", "tiers_mode": None, "transform_quantity": None, "type": "recurring",
        "unit_amount": amount, "unit_amount_decimal": str(amount),
    }  # fmt: skip


def customer_object(account: Subscriber) -> dict[str, Any]:
    return {
        "id": f"cus_{account.external_id}", "object": "customer", "address": None, "balance": 0,
        "created": epoch(datetime.combine(account.created_on, time(8), UTC)),
        "currency": account.price.currency.lower(), "default_source": None, "delinquent": account.status == "past_due",
        "description": None, "discount": None, "email": None, "invoice_prefix": f"D{account.number:07d}",
        "livemode": False, "metadata": {"account_external_id": account.external_id}, "name": account.name,
        "phone": None, "preferred_locales": [], "shipping": None, "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip


def subscription_object(account: Subscriber, *, now: datetime) -> dict[str, Any]:
    started = datetime.combine(account.created_on, time(8, account.number % 60), UTC)
    begin, end = current_period(started=started, interval=account.price.interval, now=now)
    sub_id = f"sub_{account.external_id}"
    metadata = {} if is_linked_by_customer(account) else {"account_external_id": account.external_id}
    trial_end = epoch(end) if account.status == "trialing" else None
    item = item_object(
        item_id=f"si_{account.external_id}",
        subscription=sub_id,
        price=price_object(account.price),
        quantity=account.quantity,
        period=(epoch(begin), epoch(end)),
        created=epoch(started),
    )
    return {
        "id": sub_id, "object": "subscription", "application": None, "application_fee_percent": None,
        "automatic_tax": {"enabled": False, "disabled_reason": None, "liability": None},
        "billing_cycle_anchor": epoch(started), "billing_mode": {"type": "classic"}, "cancel_at": None,
        "cancel_at_period_end": False, "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically", "created": epoch(started),
        "currency": account.price.currency.lower(), "customer": f"cus_{account.external_id}", "customer_account": None,
        "days_until_due": None, "default_payment_method": None, "description": None, "discounts": [], "ended_at": None,
        "items": {
            "object": "list", "data": [item], "has_more": False, "total_count": 1,
            "url": f"/v1/subscription_items?subscription={sub_id}",
        },
        "latest_invoice": None, "livemode": False, "metadata": metadata, "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None, "pause_collection": None, "pending_setup_intent": None, "pending_update": None,
        "schedule": None, "start_date": epoch(started), "status": account.status, "test_clock": None,
        "transfer_data": None, "trial_end": trial_end, "trial_start": epoch(begin) if trial_end else None,
    }  # fmt: skip


def is_linked_by_customer(account: Subscriber) -> bool:
    """Every fourth subscription was made by hand and does not name the account: only its customer does."""
    return account.number % 4 == 3


def item_object(
    *, item_id: str, subscription: str, price: dict[str, Any], quantity: int, period: tuple[int, int], created: int
) -> dict[str, Any]:
    return {
        "id": item_id, "object": "subscription_item", "billing_thresholds": None, "created": created,
        "current_period_start": period[0], "current_period_end": period[1], "discounts": [], "metadata": {},
        "plan": plan_object(price), "price": price, "quantity": quantity, "subscription": subscription, "tax_rates": [],
    }  # fmt: skip


def plan_object(price: dict[str, Any]) -> dict[str, Any]:
    """The old mirror of a price that items still carry."""
    recurring = price["recurring"]
    return {
        "id": price["id"], "object": "plan", "active": price["active"], "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"], "billing_scheme": "per_unit", "created": price["created"],
        "currency": price["currency"], "interval": recurring["interval"],
        "interval_count": recurring["interval_count"], "livemode": False, "metadata": price["metadata"],
        "meter": None, "nickname": None, "product": price["product"], "tiers_mode": None, "transform_usage": None,
        "trial_period_days": None, "usage_type": "licensed",
    }  # fmt: skip


def invoice_object(
    *, invoice_id: str, subscription: dict[str, Any], amount: int, reason: str, created: int
) -> dict[str, Any]:
    """A paid invoice; `amount` in the currency's minor units."""
    item = subscription["items"]["data"][0]
    parent = {
        "type": "subscription_details", "quote_details": None,
        "subscription_details": {"subscription": subscription["id"], "metadata": {}},
    }  # fmt: skip
    line = {
        "id": f"il_{invoice_id[3:]}", "object": "line_item", "amount": amount, "currency": subscription["currency"],
        "description": None, "discounts": [], "invoice": invoice_id, "livemode": False, "metadata": {},
        "parent": {
            "type": "subscription_item_details", "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None, "proration": True, "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
        },
        "period": {"start": created, "end": item["current_period_end"]},
        "pricing": {
            "type": "price_details", "unit_amount_decimal": item["price"]["unit_amount_decimal"],
            "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
        },
        "quantity": item["quantity"],
    }  # fmt: skip
    return {
        "id": invoice_id, "object": "invoice", "amount_due": amount, "amount_paid": amount, "amount_remaining": 0,
        "attempt_count": 1, "attempted": True, "billing_reason": reason, "collection_method": "charge_automatically",
        "created": created, "currency": subscription["currency"], "customer": subscription["customer"],
        "lines": {"object": "list", "data": [line], "has_more": False, "url": f"/v1/invoices/{invoice_id}/lines"},
        "livemode": False, "metadata": {}, "parent": parent, "period_end": created, "period_start": created,
        "status": "paid", "status_transitions": {"paid_at": created, "finalized_at": created}, "subtotal": amount,
        "total": amount,
    }  # fmt: skip


def epoch(at: datetime) -> int:
    return int(at.timestamp())


def current_period(*, started: datetime, interval: str, now: datetime) -> tuple[datetime, datetime]:
    """The billing period around `now`; its day is kept to the 28th so that every month has one."""
    step = MONTHS[interval]
    begin = started.replace(day=min(started.day, 28))
    months = (now.year - begin.year) * 12 + now.month - begin.month
    begin = _add_months(begin, months - months % step)
    if begin > now:
        begin = _add_months(begin, -step)
    return begin, _add_months(begin, step)


def _add_months(at: datetime, months: int) -> datetime:
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1)
