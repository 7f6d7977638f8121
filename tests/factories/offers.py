from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import factory

from campaigns.billing.models import Plan, PlanFeature, PlanPrice, Quota
from campaigns.offers.models import Offer, Quote
from tests.factories.billing import PlanFactory, PlanFeatureFactory, PlanPriceFactory, QuotaFactory, SubscriptionFactory
from tests.factories.profiles import MembershipFactory

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RANKS = {"basic": 10, "team": 20, "enterprise": 40}


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
    plans = {plan.code: plan for plan in Plan.objects.filter(code__in=RANKS)}
    for code, rank in RANKS.items():
        if code not in plans:
            plans[code] = PlanFactory(code=code, name=code.title(), rank=rank)
    if not plans["basic"].prices.exists():
        basic, team, enterprise = plans["basic"], plans["team"], plans["enterprise"]
        PlanPrice.objects.bulk_create(
            [
                PlanPriceFactory.build(plan=basic, unit_amount=Decimal("29.00")),
                PlanPriceFactory.build(plan=team, unit_amount=Decimal("99.00")),
                PlanPriceFactory.build(plan=team, currency="EUR", interval="YEAR", unit_amount=Decimal("900.00")),
                PlanPriceFactory.build(plan=enterprise, model="PER_SEAT", unit_amount=Decimal("15.00")),
            ]
        )
        features = ((basic, "boards"), (team, "boards"), (team, "automation"))
        PlanFeature.objects.bulk_create([PlanFeatureFactory.build(plan=plan, code=code) for plan, code in features])
        limits = ((basic, 10), (team, 30))
        Quota.objects.bulk_create([QuotaFactory.build(plan=plan, limit=Decimal(limit)) for plan, limit in limits])
    return plans


def basic_subscription(**fields):
    plan = Plan.objects.filter(code="basic", prices__isnull=False).first() or ladder()["basic"]
    return SubscriptionFactory(plan=plan, mrr=Decimal("29.00"), **fields)


def quote_with_reader(**fields) -> tuple[Quote, int]:
    """An open quote and the id of a contact of its account."""
    quote = QuoteFactory(**fields)
    return quote, MembershipFactory(account=quote.account).contact_id
