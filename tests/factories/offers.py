from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import factory

from campaigns.billing.models import Plan
from campaigns.offers.models import Offer, Quote
from tests.factories.billing import PlanFactory, PlanFeatureFactory, PlanPriceFactory, QuotaFactory, SubscriptionFactory
from tests.factories.profiles import MembershipFactory

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class OfferFactory(factory.django.DjangoModelFactory):
    """The next plan up, whichever that is."""

    class Meta:
        model = Offer
        django_get_or_create = ("slug",)

    slug = "next-plan-up"
    name = "The next plan up"
    target_plan = None


class QuoteFactory(factory.django.DjangoModelFactory):
    """From Basic at 29 to Team at 99 dollars a month, open for thirty days."""

    class Meta:
        model = Quote

    offer = factory.SubFactory(OfferFactory)
    subscription = factory.LazyFunction(lambda: basic_subscription())
    account = factory.SelfAttribute("subscription.account")
    from_plan = factory.SelfAttribute("subscription.plan")
    to_price = factory.LazyFunction(lambda: ladder()["team"].prices.get(currency="USD", interval="MONTH"))
    quantity = 1
    old_mrr = Decimal("29.00")
    new_mrr = Decimal("99.00")
    currency = "USD"
    interval = "MONTH"
    made_at = NOW
    valid_until = NOW + timedelta(days=30)


def ladder() -> dict[str, Plan]:
    """Basic (10 seats), Team (30) and Enterprise (per seat) in dollars a month; Team also in euros a year."""
    plans: dict[str, Plan] = {
        code: PlanFactory(code=code, name=code.title(), rank=rank)
        for code, rank in (("basic", 10), ("team", 20), ("enterprise", 40))
    }
    if not plans["basic"].prices.exists():
        PlanPriceFactory(plan=plans["basic"], unit_amount=Decimal("29.00"))
        PlanPriceFactory(plan=plans["team"], unit_amount=Decimal("99.00"))
        PlanPriceFactory(plan=plans["team"], currency="EUR", interval="YEAR", unit_amount=Decimal("900.00"))
        PlanPriceFactory(plan=plans["enterprise"], model="PER_SEAT", unit_amount=Decimal("15.00"))
        PlanFeatureFactory(plan=plans["basic"], code="boards")
        PlanFeatureFactory(plan=plans["team"], code="boards")
        PlanFeatureFactory(plan=plans["team"], code="automation")
        QuotaFactory(plan=plans["basic"], limit=Decimal(10))
        QuotaFactory(plan=plans["team"], limit=Decimal(30))
    return plans


def basic_subscription(**fields):
    return SubscriptionFactory(plan=ladder()["basic"], mrr=Decimal("29.00"), **fields)


def quote_with_reader(**fields) -> tuple[Quote, int]:
    """An open quote and the id of a contact of its account."""
    quote = QuoteFactory(**fields)
    return quote, MembershipFactory(account=quote.account).contact_id
