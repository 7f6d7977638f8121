"""What was true when a line was crossed, in figures a mail, a CSM and a customer can be shown. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

DAYS = 28
_FARTHEST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stands with a meter. `is_total` marks meters that add up over the period (SUM):
    `value` is then the total since `period_start`; otherwise it is the value of `day`."""

    value: Decimal
    limit: Decimal
    day: date
    meter: str
    meter_name: str
    unit: str
    plan: str
    plan_name: str
    period_start: date
    is_total: bool


def gather_evidence(*, standing: Standing, level: int, history: Mapping[date, Decimal]) -> dict[str, Any]:
    """The evidence JSON of a crossing. `history` holds the daily values of the last 56 days up to the day.

    `growth_28d` 0.38 means 38 % more than 28 days ago (for totals: the last 28 days against the 28 before), when it
    was `value_before`; `since` is the day compared with: the oldest known one when the account is younger.
    `projected_hit_date` goes on at the median slope between any two days of the last 28, which one odd day does not
    move.
    """
    before, since = _before(standing, history)
    now_value = _last_days_total(standing, history) if standing.is_total else standing.value
    added = None if before is None else now_value - before
    growth = None if before is None or added is None or before <= 0 else added / before
    hit = _projected_hit(standing, history)
    return {
        "meter": standing.meter,
        "meter_name": standing.meter_name,
        "level": level,
        "value": as_number(standing.value),
        "quota": as_number(standing.limit),
        "percent": as_number((standing.value * 100 / standing.limit).quantize(Decimal("0.1"))),
        "day": standing.day.isoformat(),
        "unit": standing.unit,
        "growth_28d": None if growth is None else float(round(growth, 4)),
        "added_28d": None if added is None else as_number(added),
        "value_before": None if before is None else as_number(before),
        "since": None if since is None else since.isoformat(),
        "projected_hit_date": None if hit is None else hit.isoformat(),
        "plan": standing.plan,
        "plan_name": standing.plan_name,
        "period_start": standing.period_start.isoformat(),
    }


def _before(standing: Standing, history: Mapping[date, Decimal]) -> tuple[Decimal | None, date | None]:
    since = standing.day - timedelta(days=DAYS)
    if standing.is_total:
        earlier = [value for day, value in history.items() if day <= since]
        return (sum(earlier, Decimal(0)), since) if earlier else (None, None)
    known = sorted(day for day in history if day < standing.day)
    if not known:
        return None, None
    old_enough = [day for day in known if day <= since]
    chosen = old_enough[-1] if old_enough else known[0]
    return history[chosen], chosen


def _last_days_total(standing: Standing, history: Mapping[date, Decimal]) -> Decimal:
    since = standing.day - timedelta(days=DAYS)
    return sum((value for day, value in history.items() if since < day <= standing.day), Decimal(0))


def _projected_hit(standing: Standing, history: Mapping[date, Decimal]) -> date | None:
    missing = standing.limit - standing.value
    slope = _daily_slope(standing, history)
    if missing <= 0 or slope is None or slope <= 0:
        return None
    days = math.ceil(missing / slope)
    return standing.day + timedelta(days=days) if days <= _FARTHEST_DAYS else None


def _daily_slope(standing: Standing, history: Mapping[date, Decimal]) -> Decimal | None:
    since = standing.day - timedelta(days=DAYS)
    points = sorted((day, value) for day, value in history.items() if since <= day <= standing.day)
    if standing.is_total:
        return median(value for _, value in points) if points else None
    slopes = [
        (later - earlier) / (day - first).days
        for index, (first, earlier) in enumerate(points)
        for day, later in points[index + 1 :]
    ]
    return median(slopes) if slopes else None


def as_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
