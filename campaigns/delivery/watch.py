"""Is event intake provably alive, and since when?

An UNKNOWN message is given up only after a whole evidence window in which a report about it could
have been stored. The rule: the reconcile job beats one row every few seconds. A beat proves that a
worker ran and that PostgreSQL took writes; a gap of more than 15 seconds means that one of them was
away, and the stretch starts anew. A message's window must lie wholly inside the current stretch, so
that an outage never counts as "nothing came" and the providers' retries after it have their time.
A beat from the future is no proof either: the clock has been set back, and the stretch starts anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

LONGEST_GAP = timedelta(seconds=15)

_BEAT = """
INSERT INTO delivery_intakewatch AS watch (id, since, seen_at)
VALUES (1, %(now)s, %(now)s)
ON CONFLICT (id) DO UPDATE SET
    since = CASE WHEN watch.seen_at BETWEEN %(gap)s AND %(ahead)s THEN watch.since ELSE excluded.since END,
    seen_at = CASE WHEN watch.seen_at BETWEEN excluded.seen_at AND %(ahead)s THEN watch.seen_at
        ELSE excluded.seen_at END
RETURNING since
"""


def beat(*, wall_now: datetime) -> datetime:
    """Say that intake is alive now; returns since when it has been without a gap (wall time)."""
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, {"now": wall_now, "gap": wall_now - LONGEST_GAP, "ahead": wall_now + LONGEST_GAP})
        row = cursor.fetchone()
    return row[0]
