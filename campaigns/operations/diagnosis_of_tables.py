"""What `manage.py doctor` says of the database's patience, of what is kept how long, and of large tables' months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection

from campaigns.operations import partitions, retention
from campaigns.operations.findings import Finding, Level
from orchestrator.settings import patience

# The night's work and a month: what is older than that beyond its period was not taken away.
_LATE = timedelta(days=33)
_PERIOD_OF = {
    "usage_usageevent": "usage_events",
    "intake_inboundevent": "inbound",
    "delivery_providerevent": "reports",
}
_NAMES = {
    "details": "what messages were filled in with",
    "messages": "messages",
    "reports": "providers' reports",
    "inbound": "events as they came in",
    "usage_events": "single usage events",
    "usage_daily": "usage by day",
    "runs": "notes of refreshes and syncs",
    "replies": "texts of decided replies",
}
_STUCK = """
SELECT count(*), coalesce(max(extract(epoch FROM %(wall_now)s - state_change)), 0) FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%%' AND state_change < %(since)s
"""


def examine(*, now: datetime, wall_now: datetime) -> Iterator[Finding]:
    yield _patience()
    yield _stuck(wall_now)
    yield _periods()
    yield from _months(now, wall_now)


def _patience() -> Finding:
    limits = patience.worker_limits()
    if limits["idle_in_transaction_session_timeout"]:
        words = (
            f"a session that hangs in a transaction is ended after {limits['idle_in_transaction_session_timeout']} s,"
            f" a wait for a lock after {limits['lock_timeout']} s."
        )
        return Finding(Level.GOOD, "Patience", words)
    return Finding(Level.NOTE, "Patience", "DATABASE_IDLE_IN_TRANSACTION_S is 0: a worker that hangs keeps its locks.")


def _stuck(wall_now: datetime) -> Finding:
    """Whoever it is: every pull and every month waits for the oldest open transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_STUCK, {"wall_now": wall_now, "since": wall_now - timedelta(minutes=1)})
        number, seconds = cursor.fetchone()
    if not number:
        return Finding(Level.GOOD, "Open transactions", "none hangs.")
    who = "1 session hangs" if number == 1 else f"{number} sessions hang"
    words = f"{who} in one, the longest for {seconds:.0f} s: pulls wait for it (pg_stat_activity)."
    return Finding(Level.WRONG, "Open transactions", words)


def _periods() -> Finding:
    kept = [
        f"{_NAMES[name]} {f'{days} days' if days else 'for ever'}" for name, days in settings.RETENTION_DAYS.items()
    ]
    return Finding(Level.GOOD, "Kept", f"{', '.join(kept)}. Consent, audit and figures for ever.")


def _months(now: datetime, wall_now: datetime) -> Iterator[Finding]:
    for table, rows in partitions.rows_in_default().items():
        clock = now if table == "usage_usageevent" else wall_now
        before = retention.cut_off(period=_PERIOD_OF[table], now=clock)
        oldest = partitions.oldest_month(table=table)
        if rows:
            words = f"{rows} rows lie in its default partition: their month is outside those made."
            yield Finding(Level.NOTE, f"Months of {table}", words)
        elif before is not None and oldest is not None and _is_late(oldest, before):
            words = (
                f"its oldest is {oldest:%Y-%m}, long past its period: the nightly job (bell retention) takes none away."
            )
            yield Finding(Level.WRONG, f"Months of {table}", words)
        else:
            since = f"from {oldest:%Y-%m} on" if oldest else "none yet"
            yield Finding(Level.GOOD, f"Months of {table}", f"{since}, nothing beside them.")


def _is_late(oldest: date, before: datetime) -> bool:
    return oldest < (before - _LATE).date().replace(day=1)
