"""What the demo company sells: four plans, five meters, four currencies. Pure data and arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

CENT = Decimal("0.01")
MONTHS = {"MONTH": 1, "YEAR": 12}
MONTHS_CHARGED_PER_YEAR = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """`monthly` is the list price per month and unit, `extra_seat` that of one seat beyond the included ones, both in
    whole units of each currency."""

    code: str
    name: str
    rank: int
    model: str
    features: tuple[str, ...]
    quotas: Mapping[str, int | None]
    monthly: Mapping[str, int]
    extra_seat: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Price:
    """One list price. `unit_amount` is per interval and unit, in whole units of the currency."""

    plan: str
    currency: str
    interval: str
    model: str
    unit_amount: int

    @property
    def lookup_key(self) -> str:
        return f"{self.plan}_{self.interval}_{self.currency}".lower()

    @property
    def id(self) -> str:
        """The billing service's id of this price."""
        return f"price_{self.lookup_key}"

    def mrr(self, *, quantity: int) -> Decimal:
        """Monthly recurring revenue in the price's own currency, to the cent."""
        units = quantity if self.model == "PER_SEAT" else 1
        monthly = Decimal(self.unit_amount) * units / MONTHS[self.interval]
        return monthly.quantize(CENT, rounding=ROUND_HALF_EVEN)


METERS = (
    {"code": "seats_used", "name": "Seats used", "unit": "seats", "kind": "REPORTED", "aggregation": "LAST"},
    {"code": "active_users", "name": "Active users", "unit": "people", "kind": "REPORTED", "aggregation": "MAX"},
    {"code": "storage_gb", "name": "Storage", "unit": "GB", "kind": "REPORTED", "aggregation": "LAST"},
    {"code": "api_calls", "name": "API calls", "unit": "calls", "kind": "REPORTED", "aggregation": "SUM"},
    {"code": "projects", "name": "Projects", "unit": "projects", "kind": "REPORTED", "aggregation": "LAST"},
)

PLANS = (
    Plan(
        "basic", "Basic", 10, "FLAT", ("shared_boards",),
        {"seats_used": 10, "active_users": 10, "storage_gb": 20, "api_calls": 50_000, "projects": 5},
        {"USD": 29, "EUR": 27, "ILS": 109, "RON": 129}, {"USD": 15, "EUR": 14, "ILS": 55, "RON": 69},
    ),
    Plan(
        "team", "Team", 20, "FLAT", ("shared_boards", "automation", "guest_access"),
        {"seats_used": 30, "active_users": 30, "storage_gb": 200, "api_calls": 500_000, "projects": 25},
        {"USD": 99, "EUR": 90, "ILS": 369, "RON": 449}, {"USD": 12, "EUR": 11, "ILS": 45, "RON": 55},
    ),
    Plan(
        "pro", "Pro", 30, "FLAT", ("shared_boards", "automation", "guest_access", "sso", "api_export"),
        {"seats_used": 120, "active_users": 120, "storage_gb": 1_000, "api_calls": 5_000_000, "projects": 100},
        {"USD": 299, "EUR": 270, "ILS": 1_099, "RON": 1_349},
    ),
    Plan(
        "enterprise", "Enterprise", 40, "PER_SEAT",
        ("shared_boards", "automation", "guest_access", "sso", "api_export", "audit_log", "dedicated_contact"),
        {"seats_used": None, "active_users": None, "storage_gb": None, "api_calls": None, "projects": None},
        {"USD": 15, "EUR": 14, "ILS": 55, "RON": 69},
    ),
)  # fmt: skip

PLAN_OF_CODE = {plan.code: plan for plan in PLANS}
PLAN_ABOVE = {low.code: high for low, high in itertools.pairwise(PLANS)}
PRICES = tuple(
    Price(
        plan.code,
        currency,
        interval,
        plan.model,
        amount * (MONTHS_CHARGED_PER_YEAR if interval == "YEAR" else 1),
    )
    for plan in PLANS
    for currency, amount in plan.monthly.items()
    for interval in MONTHS
)
PRICE_OF = {(price.plan, price.currency, price.interval): price for price in PRICES}
PRICE_OF_ID = {price.id: price for price in PRICES}

TOPICS: tuple[dict[str, Any], ...] = (
    {
        "slug": "offers",
        "name": "Offers that fit your usage",
        "permitted_without_record": ["in_app"],
        "words": {
            "en": {"description": "When you come close to a limit, or another plan is cheaper for you."},
            "he": {
                "name": "הצעות שמתאימות לשימוש שלך",
                "description": "כשמתקרבים למגבלה, או כשתוכנית אחרת זולה יותר עבורך.",
            },
            "ro": {
                "name": "Oferte potrivite cu utilizarea dumneavoastră",
                "description": "Când vă apropiați de o limită sau un alt plan este mai ieftin pentru dumneavoastră.",
            },
        },
    },
    {
        "slug": "tips",
        "name": "Tips and product news",
        "permitted_without_record": ["in_app"],
        "words": {
            "en": {"description": "What is new and how to get more out of it, about once a month."},
            "he": {"name": "טיפים וחדשות המוצר", "description": "מה חדש ואיך להפיק ממנו יותר, בערך פעם בחודש."},
            "ro": {
                "name": "Sfaturi și noutăți despre produs",
                "description": "Ce este nou și cum obțineți mai mult, cam o dată pe lună.",
            },
        },
    },
    {
        "slug": "account",
        "name": "Account and billing",
        "is_marketing": False,
        "words": {
            "en": {"description": "Receipts, failed payments, security. Always on while you are a customer."},
            "he": {
                "name": "חשבון וחיובים",
                "description": "קבלות, תשלומים שנכשלו, אבטחה. נשלח תמיד כל עוד יש לך חשבון אצלנו.",
            },
            "ro": {
                "name": "Cont și facturare",
                "description": "Chitanțe, plăți eșuate, securitate. Se trimit cât timp sunteți clientul nostru.",
            },
        },
    },
)


def catalog() -> dict[str, Any]:
    """The document for `manage.py catalog apply`; amounts in whole units of the currency."""
    return {
        "meters": [dict(meter) for meter in METERS],
        "plans": [
            {
                "code": plan.code,
                "name": plan.name,
                "rank": plan.rank,
                "features": list(plan.features),
                "quotas": dict(plan.quotas),
                "prices": [
                    {
                        "currency": price.currency,
                        "interval": price.interval,
                        "model": price.model,
                        "unit_amount": price.unit_amount,
                        "lookup_key": price.lookup_key,
                        **_extra_seat(plan, price),
                    }
                    for price in PRICES
                    if price.plan == plan.code
                ],
            }
            for plan in PLANS
        ],
        "topics": [dict(topic) for topic in TOPICS],
    }


def _extra_seat(plan: Plan, price: Price) -> dict[str, int]:
    if price.currency not in plan.extra_seat:
        return {}
    months = MONTHS_CHARGED_PER_YEAR if price.interval == "YEAR" else 1
    return {"extra_seat_amount": plan.extra_seat[price.currency] * months}
