"""A made-up recipient for a preview that has nobody real: their figures are those of the company's own catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from campaigns.billing.models import Interval, PlanPrice, Quota
from campaigns.offers import quote
from campaigns.offers.models import Offer
from campaigns.offers.quote import Pricing
from campaigns.sequences import audience, wording
from campaigns.sequences.models import Campaign
from campaigns.usage.models import Meter
from orchestrator.templating import lint

# How full the made-up plan is, in percent, and how long the growth to there took.
LEVEL = 80
GROWTH_DAYS = 28


def make_facts(*, campaign: Campaign, has_offer: bool, now: datetime) -> dict[str, Any]:
    """As `cast.Person.facts`. Without plans to upgrade between they are the variables' own samples."""
    facts = lint.sample_context(wording.variables(has_offer=has_offer))
    pricing = _first_upgrade(campaign.edited_offer or Offer(), now)
    if pricing is None:
        return facts
    facts["evidence"] |= _evidence(pricing, audience.meter_of(segment=campaign.edited_segment), now)
    if has_offer:
        # What the catalogue does not compare is not compared here either.
        kept = {name: value for name, value in facts["offer"].items() if "extra_seat" not in name}
        facts["offer"] = {**kept, **pricing.figures}
    return facts


def _first_upgrade(offer: Offer, now: datetime) -> Pricing | None:
    """From the lowest plan that has a price and a higher plan to offer in the same currency and interval."""
    prices = PlanPrice.objects.filter(plan__is_on_sale=True).select_related("plan")
    # a month's price says more than a year's
    for price in sorted(prices, key=lambda one: (one.plan.rank, one.interval != Interval.MONTH, one.pk)):
        limit = _limit(price.plan_id, quote.SEATS_METER)
        used = None if limit is None else _used(limit)
        seats = quote.Seats(used, None if used is None else used - _added(used))
        pricing = quote.price_example(offer=offer, price=price, seats=seats, now=now)
        if isinstance(pricing, Pricing):
            return pricing
    return None


def _evidence(pricing: Pricing, asked: str | None, now: datetime) -> Mapping[str, Any]:
    plan, today = pricing.subscription.plan, now.date()
    found = {
        "plan": plan.code,
        "plan_name": plan.name,
        "day": today.isoformat(),
        "since": (today - timedelta(days=GROWTH_DAYS)).isoformat(),
        "projected_hit_date": (today + timedelta(days=GROWTH_DAYS)).isoformat(),
        "period_start": today.replace(day=1).isoformat(),
    }
    code = asked or _any_meter(plan.pk)
    meter = Meter.objects.filter(code=code).first()
    limit = _limit(plan.pk, code)
    if meter is not None:
        found |= {"meter": meter.code, "meter_name": meter.name, "unit": meter.unit}
    if limit is None:
        return found
    value = _used(limit)
    added = _added(value)
    growth = round(added / (value - added), 4) if value > added else None
    percent = round(value * 100 / int(limit), 1) if limit >= 1 else LEVEL
    return found | {
        "value": value,
        "quota": int(limit),
        "percent": int(percent) if percent == int(percent) else percent,
        "level": LEVEL,
        "added_28d": added,
        "growth_28d": growth,
        "value_before": value - added,
        "added": added,
        "added_since": found["since"],
        **({} if growth is None else {"growth_percent": round(growth * 100)}),
    }


def _any_meter(plan_id: int) -> str:
    """Seats where the plan limits them, else the first of what it limits."""
    codes = Quota.objects.filter(plan_id=plan_id, limit__isnull=False).order_by("pk").values_list("meter", flat=True)
    return quote.SEATS_METER if quote.SEATS_METER in codes else next(iter(codes), quote.SEATS_METER)


def _limit(plan_id: int, meter: str) -> Decimal | None:
    return Quota.objects.filter(plan_id=plan_id, meter=meter, limit__gt=0).values_list("limit", flat=True).first()


def _added(value: int) -> int:
    return max(value // 5, 1)


def _used(limit: Decimal) -> int:
    return max(int(limit * LEVEL / 100), 1)
