from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from orchestrator.connectors.contract import SubscriptionState

T0 = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)


def make_state(**changes: object) -> SubscriptionState:
    values: dict[str, object] = {
        "external_id": "sub_1",
        "customer_id": "cus_1",
        "account_external_id": "a1",
        "plan_code": "basic",
        "status": "ACTIVE",
        "currency": "USD",
        "interval": "MONTH",
        "quantity": 1,
        "mrr": Decimal("29.00"),
        "started_at": T0,
        "ended_at": None,
        "renews_at": None,
        "trial_ends_at": None,
        "cancel_scheduled": False,
        "item_id": "si_1",
        "price_id": "price_basic_month_usd",
        "as_of": T0,
    }
    return SubscriptionState(**{**values, **changes})  # type: ignore[arg-type]
