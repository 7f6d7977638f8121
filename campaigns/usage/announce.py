"""Changes of plan as usage events: billing stands below usage and cannot write them itself, so they are pulled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from campaigns.billing.models import MrrMovement
from campaigns.operations import pulling
from campaigns.usage import record

PLAN_CHANGED = "crescendo.plan_changed"
CURSOR = "usage.plan_changes"
BATCH = 1000


def announce_plan_changes(*, now: datetime) -> int:
    """One event per movement that led from a plan to another one, or to none. Returns how many were new."""
    total = 0
    while True:
        with transaction.atomic():
            cursor = pulling.lock_cursor(name=CURSOR)
            movements = MrrMovement.objects.select_related("from_plan", "to_plan")
            rows = pulling.rows_after(rows=movements, cursor=cursor, limit=BATCH)
            total += record.record_events(events=_events(rows, now))
            pulling.advance_cursor(cursor=cursor, rows=rows)
        if len(rows) < BATCH:
            return total


def _events(rows: Sequence[MrrMovement], now: datetime) -> list[record.NewEvent]:
    return [
        record.NewEvent(
            at=row.at,
            account_id=row.account_id,
            contact_id=None,
            name=PLAN_CHANGED,
            properties={
                "from": row.from_plan.code if row.from_plan else None,
                "to": row.to_plan.code if row.to_plan else None,
                "kind": row.kind,
            },
            source="crescendo",
            message_id=f"movement:{row.pk}",
            received_at=now,
        )
        for row in rows
        if row.from_plan_id is not None and row.from_plan_id != row.to_plan_id
    ]
