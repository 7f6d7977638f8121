"""Take away usage that no window reaches any more: single events first, much later the daily values."""

from __future__ import annotations

from datetime import UTC, datetime

from campaigns.operations import partitions, retention
from campaigns.operations.retention import Taken
from campaigns.usage.models import Meter

EVENTS = "usage_usageevent"

_DAYS = """
DELETE FROM usage_usagedaily WHERE id = ANY(ARRAY(
    SELECT id FROM usage_usagedaily WHERE meter_id = %(meter)s AND day < %(before)s
    ORDER BY day LIMIT %(size)s FOR UPDATE SKIP LOCKED
))
"""


def remove_events(*, now: datetime) -> Taken:
    before = retention.cut_off(period="usage_events", now=now)
    if before is None:
        return retention.NOTHING
    partitions.drop_months(table=EVENTS, before=before, now=now)
    return partitions.clear_default(table=EVENTS, before=before)


def remove_days(*, now: datetime) -> Taken:
    before = retention.cut_off(period="usage_daily", now=now)
    taken = retention.NOTHING
    if before is not None:
        day = before.astimezone(UTC).date()
        for meter in Meter.objects.order_by("pk"):
            taken += retention.delete(statement=_DAYS, params={"meter": meter.pk, "before": day})
    return taken
