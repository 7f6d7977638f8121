"""How old the figures may be that a message quotes. Whoever planned it renews them shortly before it is due; what has
waited out a pause, the switch, a provider or a night of all machines goes back to wait for that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

# In the context of a message whose figures are renewed: of when they are, business time.
AS_OF = "figures_at"
# What is about to go gets figures of the day; with figures older than OLDEST nothing goes.
FRESH = timedelta(days=1)
OLDEST = FRESH + timedelta(hours=1)
# They are renewed within seconds, which ends the hold. `due_at` stays: what is held over and over is late, and told.
HOLD = timedelta(seconds=30)

_PUT_BACK = """
UPDATE delivery_message SET state = 'PLANNED', next_at = GREATEST(next_at, %(later)s)
WHERE id IN (
    SELECT id FROM delivery_message
    WHERE state = 'READY' AND purpose = 'MARKETING' AND (%(gate)s::bigint IS NULL OR gate_id = %(gate)s)
        AND planned_at < %(oldest)s AND (context ->> 'figures_at')::timestamptz < %(oldest)s
    ORDER BY id FOR UPDATE SKIP LOCKED
)
"""


def is_old(*, context: Mapping[str, Any], planned_at: datetime, now: datetime) -> bool:
    """Of one that nobody renews, never."""
    if planned_at >= now - OLDEST:
        return False
    at = context.get(AS_OF)
    return at is not None and datetime.fromisoformat(at) < now - OLDEST


def held_until(*, next_at: datetime | None, wall_now: datetime) -> datetime | None:
    """Of one whose figures are renewed: None, unless somebody else than we wants it to wait."""
    return next_at if next_at is not None and next_at > wall_now + HOLD else None


def put_back(*, gate_id: int | None = None, now: datetime, wall_now: datetime) -> int:
    """What could be claimed, of one gate or of all, and quotes old figures waits until they are renewed; returns how
    many. What a provider wants to have later still waits for that. One statement. What it misses is found when it is
    begun."""
    params = {"gate": gate_id, "oldest": now - OLDEST, "later": wall_now + HOLD}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PUT_BACK, params)
        return int(cursor.rowcount)
