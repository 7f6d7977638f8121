"""Claiming ticks: whoever inserts the row of a slot rings its bell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

# A slot further ahead than clocks of several machines differ was claimed before the clock was set back.
AHEAD = timedelta(minutes=1)


def claim_slots(*, slots: Sequence[tuple[str, datetime]], keep_since: datetime) -> list[str]:
    """The tasks of those slots (wall time) that nobody had claimed. Slots older than `keep_since` are forgotten, and
    those of a clock that was ahead: else the timetable would stand still until they had passed once more.

    Does not wait for the disk: a claim lost with the server's power only rings a bell twice.
    """
    if not slots:
        return []
    tasks, times = zip(*slots, strict=True)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(
            """
            INSERT INTO operations_tickslot (task, slot)
            SELECT * FROM unnest(%s::text[], %s::timestamptz[])
            ON CONFLICT (task, slot) DO NOTHING
            RETURNING task
            """,
            [list(tasks), list(times)],
        )
        claimed = [task for (task,) in cursor.fetchall()]
        # A slow task's slot is old long before it is over: it stays, or it would be claimed anew.
        cursor.execute(
            "DELETE FROM operations_tickslot WHERE slot > %s OR (slot < %s AND (task, slot) NOT IN"
            " (SELECT * FROM unnest(%s::text[], %s::timestamptz[])))",
            [max(times) + AHEAD, keep_since, list(tasks), list(times)],
        )
    return claimed
