from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import factory

from campaigns.billing.models import Interval, MrrMovement, Plan, PlanFeature, PlanPrice, Quota, Subscription
from tests.factories.profiles import AccountFactory

STARTED_AT = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)


class PlanFactory(factory.django.DjangoModelFactory):
    """The rank grows from one to the next: each later plan is an upgrade of the earlier ones."""

    class Meta:
        model = Plan
        django_get_or_create = ("code",)

    code = factory.Sequence(lambda n: f"plan-{n}")
    name = factory.LazyAttribute(lambda plan: plan.code.replace("-", " ").title())
    rank = factory.Sequence(lambda n: 10 * (n + 1))


class PlanFeatureFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PlanFeature

    plan = factory.SubFactory(PlanFactory)
    code = factory.Sequence(lambda n: f"feature-{n}")


class PlanPriceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PlanPrice

    plan = factory.SubFactory(PlanFactory)
    currency = "USD"
    interval = Interval.MONTH
    model = PlanPrice.Model.FLAT
    unit_amount = Decimal("29.00")
    lookup_key = factory.LazyAttribute(lambda price: f"{price.plan.code}_{price.interval}_{price.currency}".lower())
    billing_price_id = factory.LazyAttribute(lambda price: f"price_{price.lookup_key}")


class QuotaFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Quota

    plan = factory.SubFactory(PlanFactory)
    meter = "seats_used"
    limit = Decimal("10")


class SubscriptionFactory(factory.django.DjangoModelFactory):
    """Active and monthly. Writes no MRR movement: use `subscribe.apply_subscription` where those matter."""

    class Meta:
        model = Subscription

    external_id = factory.Sequence(lambda n: f"sub-{n}")
    account = factory.SubFactory(AccountFactory)
    plan = factory.SubFactory(PlanFactory)
    status = Subscription.Status.ACTIVE
    currency = "USD"
    interval = Interval.MONTH
    quantity = 1
    mrr = Decimal("29.00")
    started_at = STARTED_AT
    billing_item_id = factory.LazyAttribute(lambda subscription: f"si_{subscription.external_id}")
    billing_price_id = ""
    as_of = STARTED_AT


class MrrMovementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MrrMovement

    account = factory.SelfAttribute("subscription.account")
    subscription = factory.SubFactory(SubscriptionFactory)
    at = STARTED_AT
    kind = MrrMovement.Kind.NEW
    delta = factory.SelfAttribute("subscription.mrr")
    currency = factory.SelfAttribute("subscription.currency")
    cause = factory.Sequence(lambda n: f"evt_{n}")
    to_plan = factory.SelfAttribute("subscription.plan")
