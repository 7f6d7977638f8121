"""Where accounts stand with a meter today, in the words of a crossing's evidence, whether or not a line was crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Max, Min, Sum

from campaigns.billing import selectors as billing
from campaigns.billing.models import Quota, Subscription
from campaigns.usage import history, periods
from campaigns.usage.crossings import LEVELS
from campaigns.usage.evidence import DAYS, Standing, as_number, gather_evidence
from campaigns.usage.models import Meter, UsageDaily

_AGGREGATES = {"sum": Sum, "avg": Avg, "min": Min, "max": Max}


def stand_today(
    *,
    account_ids: Sequence[int],
    meter: str,
    now: datetime,
    subscriptions: Mapping[int, Subscription] | None = None,
) -> dict[int, dict[str, Any]]:
    """The newest day's value against the quota of the current plan, how it grew and where it leads, by account id.

    Without a quota the value and its growth alone; accounts that have no value are absent. `subscriptions` are
    those current now, of a caller who has read them.
    """
    counted = Meter.objects.filter(code=meter).first()
    if counted is None:
        return {}
    newest = _newest(account_ids, counted, now)
    wanted = [((account_id, counted.pk), day) for account_id, (day, _) in newest.items()]
    past = history.read_history(wanted=wanted, days=2 * DAYS)
    if subscriptions is None:
        subscriptions = billing.current_subscriptions(account_ids=account_ids, now=now)
    limits = dict(Quota.objects.filter(meter=meter, limit__gt=0).values_list("plan_id", "limit"))
    found = {}
    for account_id, (day, value) in newest.items():
        subscription = subscriptions.get(account_id)
        limit = limits.get(subscription.plan_id) if subscription else None
        if subscription is None or limit is None:
            found[account_id] = name_meter(counted) | {
                "value": as_number(value), "quota": None, "percent": None, "day": day.isoformat(),
            }  # fmt: skip
            continue
        standing = _standing(counted, subscription, limit, day, value)
        found[account_id] = _told(standing, past[account_id, counted.pk])
    return found


def aggregate(
    *, account_ids: Sequence[int], meter: str, agg: str, last_day: date, days: int | None
) -> dict[int, Decimal]:
    """`sum avg min max last` of the daily values of the `days` days up to `last_day`; a day without one is skipped."""
    rows = UsageDaily.objects.filter(account_id__in=account_ids, meter__code=meter, day__lte=last_day)
    if days is not None:
        rows = rows.filter(day__gt=last_day - timedelta(days=days))
    if agg == "last":
        newest = rows.order_by("account_id", "-day").distinct("account_id")
        return dict(newest.values_list("account_id", "value"))
    return dict(rows.values_list("account_id").annotate(total=_AGGREGATES[agg]("value")))


def name_meter(meter: Meter) -> dict[str, Any]:
    return {"meter": meter.code, "meter_name": meter.name, "unit": meter.unit}


def _newest(account_ids: Sequence[int], meter: Meter, now: datetime) -> dict[int, tuple[date, Decimal]]:
    rows = UsageDaily.objects.filter(account_id__any=account_ids, meter=meter, day__lte=now.astimezone(UTC).date())
    rows = rows.order_by("account_id", "-day").distinct("account_id")
    return {account_id: (day, value) for account_id, day, value in rows.values_list("account_id", "day", "value")}


def _standing(meter: Meter, subscription: Subscription, limit: Decimal, day: date, value: Decimal) -> Standing:
    anchor = (subscription.renews_at or subscription.started_at).astimezone(UTC).date()
    months = 12 if subscription.interval == "YEAR" else 1
    return Standing(
        value=value,
        limit=limit,
        day=day,
        meter=meter.code,
        meter_name=meter.name,
        unit=meter.unit,
        plan=subscription.plan.code,
        plan_name=subscription.plan.name,
        period_start=periods.period_start(day=day, anchor=anchor, months=months),
        is_total=False,
    )


def _told(standing: Standing, past: dict[date, Decimal]) -> dict[str, Any]:
    """`level` is the highest line that the value stands over; under all of them there is none."""
    passed = [level for level in LEVELS if standing.value * 100 >= level * standing.limit]
    told = gather_evidence(standing=standing, level=max(passed, default=0), history=past)
    return told if passed else {key: value for key, value in told.items() if key != "level"}
