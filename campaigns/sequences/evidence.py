"""What a message may quote about an account: the figures of its crossing, else of its newest usage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from campaigns.billing import selectors as billing
from campaigns.billing.models import Quota
from campaigns.segments.models import Segment
from campaigns.sequences import audience
from campaigns.usage import selectors as usage
from campaigns.usage.models import UsageDaily


def gather_evidence(*, segment: Segment | None, account_ids: Sequence[int], now: datetime) -> dict[int, dict[str, Any]]:
    """By account id, about the meter that the audience's definition names first (any meter if it names none)."""
    meter = audience.meter_of(segment=segment)
    found = usage.newest_evidence(account_ids=account_ids, meter=meter)
    missing = [account_id for account_id in account_ids if account_id not in found]
    if meter is None or not missing:
        return found
    return found | _from_usage(meter, missing, now)


def _from_usage(meter: str, account_ids: Sequence[int], now: datetime) -> dict[int, dict[str, Any]]:
    """Value, limit and percent of the newest day, for those that match without having crossed a line."""
    plans = billing.current_subscriptions(account_ids=account_ids, now=now)
    limits = dict(Quota.objects.filter(meter=meter).values_list("plan_id", "limit"))
    newest = (
        UsageDaily.objects.filter(account_id__in=account_ids, meter__code=meter, day__lte=now.date())
        .select_related("meter")
        .order_by("account_id", "-day")
        .distinct("account_id")
    )
    found: dict[int, dict[str, Any]] = {}
    for row in newest:
        subscription = plans.get(row.account_id)
        limit = limits.get(subscription.plan_id) if subscription else None
        found[row.account_id] = {
            "meter": meter,
            "meter_name": row.meter.name,
            "unit": row.meter.unit,
            "value": _number(row.value),
            "quota": None if limit is None else _number(limit),
            "percent": _number((row.value * 100 / limit).quantize(Decimal("0.1"))) if limit else None,
            "day": row.day.isoformat(),
        }
    return found


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
