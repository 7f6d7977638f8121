"""A provider's bad day: while every recent try failed, one message is risked now and then, and no more.

Read from the attempts themselves, so that all workers see the same and nothing has to be reset.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

TRIES = 16
# Without a try for so long nothing is known any more; so far back the failures of slow days are counted.
FORGET_AFTER = timedelta(seconds=30)
MEMORY = timedelta(minutes=10)
PROBE_EVERY = timedelta(seconds=5)

_RECENT = """
WITH newest AS (
    SELECT attempt.id, attempt.outcome, attempt.started_at, attempt.ended_at
    FROM (SELECT * FROM delivery_deliveryattempt ORDER BY id DESC LIMIT 2000) AS attempt
    JOIN delivery_message message ON message.id = attempt.message_id
    WHERE message.channel = %(channel)s AND attempt.code <> 'lease_short'
), recent AS (
    SELECT outcome, ended_at FROM newest WHERE ended_at > %(since)s ORDER BY ended_at DESC LIMIT %(tries)s
)
SELECT count(*), count(*) FILTER (WHERE outcome IN ('BUSY', 'UNCLEAR')), max(ended_at),
    (SELECT max(started_at) FROM newest)
FROM recent
"""


def allowance(*, channel: str, wall_now: datetime) -> int | None:
    """How many messages may be tried at once: None while the provider is well, else one every five seconds.

    Not well is: its last 16 answers were all failures of the provider, the last of them less than half a minute ago.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, {"since": wall_now - MEMORY, "channel": channel, "tries": TRIES})
        tried, failed, last_answer, last_try = cursor.fetchone()
    if tried < TRIES or failed < tried or last_answer < wall_now - FORGET_AFTER:
        return None
    return 0 if last_try > wall_now - PROBE_EVERY else 1
