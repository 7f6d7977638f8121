"""A billing service in memory: it changes a plan once per idempotency key and can be told to misbehave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar, Self

from django.test import override_settings

from orchestrator.connectors.contract import ConnectorBusy, ConnectorError, ListPrice, SubscriptionState

CHANGED_AT = datetime(2026, 3, 2, 9, 0, 5, tzinfo=UTC)
PRICES = {
    "price_team_month_usd": ("team", Decimal("99.00")),
    "price_enterprise_month_usd": ("enterprise", Decimal("15.00")),
}


class BillingInMemory:
    settings_read: ClassVar[tuple[str, ...]] = ()
    kind = "stripe"
    changes: ClassVar[dict[str, SubscriptionState]] = {}
    calls: ClassVar[list[str]] = []
    fails_with: ClassVar[list[ConnectorError]] = []
    unasked: ClassVar[bool] = False
    during: ClassVar[list[Callable[[], None]]] = []
    _lock = threading.Lock()

    @classmethod
    def from_settings(cls) -> Self:
        return cls()

    def find_price(self, *, lookup_key: str, currency: str, quantity: int) -> ListPrice | None:
        if self.unasked:
            raise ConnectorBusy("It says nothing.")
        return self.read_price(price_id=f"price_{lookup_key}", currency=currency, quantity=quantity)

    def read_price(self, *, price_id: str, currency: str, quantity: int) -> ListPrice | None:
        return ListPrice(price_id, "USD", _monthly(price_id, quantity), "MONTH") if price_id in PRICES else None

    def fetch_subscription(self, *, subscription_id: str) -> SubscriptionState:
        if self.changes:
            return next(iter(self.changes.values()))
        return _state(subscription_id, "si_1", "basic", "price_basic_month_usd", Decimal("29.00"), 1)

    def change_plan(
        self, *, subscription_id: str, item_id: str, price_id: str, quantity: int, idempotency_key: str
    ) -> SubscriptionState:
        with self._lock:
            self.calls.append(idempotency_key)
            for act in self.during:
                act()
            if self.fails_with:
                raise self.fails_with.pop(0)
            if idempotency_key not in self.changes:
                self.changes[idempotency_key] = _changed(subscription_id, item_id, price_id, quantity)
            return self.changes[idempotency_key]


def _monthly(price_id: str, quantity: int) -> Decimal:
    plan, amount = PRICES[price_id]
    return amount * (quantity if plan == "enterprise" else 1)


def _changed(subscription_id: str, item_id: str, price_id: str, quantity: int) -> SubscriptionState:
    return _state(subscription_id, item_id, PRICES[price_id][0], price_id, _monthly(price_id, quantity), quantity)


def _state(
    subscription_id: str, item_id: str, plan: str, price_id: str, monthly: Decimal, quantity: int
) -> SubscriptionState:
    return SubscriptionState(
        external_id=subscription_id,
        customer_id="cus_1",
        account_external_id="",
        plan_code=plan,
        status="ACTIVE",
        currency="USD",
        interval="MONTH",
        quantity=quantity,
        mrr=monthly,
        started_at=datetime(2026, 1, 1, 8, 0, tzinfo=UTC),
        ended_at=None,
        renews_at=None,
        trial_ends_at=None,
        cancel_scheduled=False,
        item_id=item_id,
        price_id=price_id,
        as_of=CHANGED_AT,
    )


@contextmanager
def billing_in_memory(
    *fails_with: ConnectorError, during: Callable[[], None] | None = None
) -> Iterator[type[BillingInMemory]]:
    """`during` runs while billing is being asked."""
    BillingInMemory.changes.clear()
    BillingInMemory.calls.clear()
    BillingInMemory.fails_with[:] = fails_with
    BillingInMemory.unasked = False
    BillingInMemory.during[:] = [during] if during else []
    connectors = {"stripe": "tests.campaigns.offers.outside.BillingInMemory"}
    with override_settings(CONNECTORS=connectors):
        yield BillingInMemory
