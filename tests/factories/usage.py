from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import factory

from campaigns.usage.models import Meter, ThresholdCrossing, UsageDaily, UsageEvent
from tests.factories.profiles import AccountFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


class MeterFactory(factory.django.DjangoModelFactory):
    """Seats, reported once a day, where the last report stands."""

    class Meta:
        model = Meter
        django_get_or_create = ("code",)

    code = "seats_used"
    name = factory.LazyAttribute(lambda meter: meter.code.replace("_", " ").capitalize())
    unit = ""
    kind = Meter.Kind.REPORTED
    aggregation = Meter.Aggregation.LAST


class UsageDailyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UsageDaily

    account = factory.SubFactory(AccountFactory)
    meter = factory.SubFactory(MeterFactory)
    day = NOW.date()
    value = Decimal(8)
    last_at = factory.LazyAttribute(lambda daily: datetime(daily.day.year, daily.day.month, daily.day.day, tzinfo=UTC))


class UsageEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UsageEvent

    at = NOW - timedelta(days=1)
    account = factory.SubFactory(AccountFactory)
    contact = None
    name = "premium_feature_attempted"
    properties = factory.LazyFunction(dict)
    source = "product"
    message_id = factory.Sequence(lambda n: f"event-{n}")
    received_at = factory.SelfAttribute("at")


class ThresholdCrossingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ThresholdCrossing

    account = factory.SubFactory(AccountFactory)
    meter = factory.SubFactory(MeterFactory)
    level = 80
    period_start = NOW.date().replace(day=1)
    at = NOW - timedelta(days=1)
    evidence = factory.LazyFunction(lambda: {"value": 8, "quota": 10, "percent": 80, "day": NOW.date().isoformat()})
