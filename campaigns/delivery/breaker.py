"""A provider's bad day: while every recent try failed, only one message at a time is risked.

Read from the attempts themselves, so that all workers see the same and nothing has to be reset.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

TRIES = 20
MEMORY = timedelta(seconds=30)

_RECENT = """
SELECT count(*), count(*) FILTER (WHERE outcome IN ('BUSY', 'UNCLEAR'))
FROM (
    SELECT newest.outcome
    FROM (SELECT * FROM delivery_deliveryattempt ORDER BY id DESC LIMIT 200) AS newest
    JOIN delivery_message message ON message.id = newest.message_id
    WHERE newest.ended_at > %(since)s AND message.channel = %(channel)s AND newest.code <> 'lease_short'
    ORDER BY newest.ended_at DESC
    LIMIT %(tries)s
) AS recent
"""


def is_open(*, channel: str, wall_now: datetime) -> bool:
    """Whether the last 20 answers of the channel, none older than half a minute, were all failures of the provider."""
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, {"since": wall_now - MEMORY, "channel": channel, "tries": TRIES})
        tried, failed = cursor.fetchone()
    return tried >= TRIES and failed == tried
