"""Ready rules to start from. Only those whose meters this installation has are offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from campaigns.usage.models import Meter


@dataclass(frozen=True, slots=True)
class Ready:
    key: str
    name: str
    definition: dict[str, Any]


def ready_ones() -> list[Ready]:
    meters = list(Meter.objects.order_by("code"))
    codes = {meter.code for meter in meters}
    made = []
    if "seats_used" in codes:
        close = {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8}
        made.append(Ready("close-to-the-seat-limit", _("Close to the seat limit"), {"all": [close]}))
    if meters:
        passed = [{"crossing": meter.code, "level": 100, "window": "30d"} for meter in meters]
        made.append(Ready("reached-a-limit", _("Reached a limit this month"), {"any": passed}))
    growing = [_growth(meter) for meter in meters if meter.code in ("active_users", "seats_used", "api_calls")]
    if growing:
        made.append(Ready("growing-fast", _("Growing fast"), {"any": growing}))
    renewal = {"subscription": "renewal_in", "op": "<=", "value": "45d"}
    staying = {"subscription": "cancel_scheduled", "op": "=", "value": False}
    made.append(Ready("renewal-in-45-days", _("Renewal in 45 days"), {"all": [renewal, staying]}))
    return made


def _growth(meter: Meter) -> dict[str, Any]:
    agg = "sum" if meter.aggregation == Meter.Aggregation.SUM else "avg"
    return {"usage": meter.code, "agg": agg, "window": "28d", "per": "previous", "op": ">=", "value": 1.3}
