"""Wait for the moment from which a pull may trust what was committed.

The server's snapshot counts the transactions of all its databases: a test that runs beside this one
holds a pull back for as long as its own transaction is open.
"""

from __future__ import annotations

import time

from django.db import connection

PATIENCE_S = 180.0


def wait_until_settled() -> None:
    """Until no transaction is open that began before this call. Use it in tests that really commit."""
    assert not connection.in_atomic_block, "Inside a transaction nothing of one's own ever settles."
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        mine = cursor.fetchone()[0]
        until = time.monotonic() + PATIENCE_S
        while True:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if cursor.fetchone()[0] > mine:
                return
            assert time.monotonic() < until, "A transaction stayed open all the time."
            time.sleep(0.02)


def wait_until_idle() -> None:
    """Until nobody else is in the middle of anything in this database: a request that a page left behind would lock
    itself up with the emptying of the tables."""
    until, quiet = time.monotonic() + PATIENCE_S, 0
    while quiet < 3:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            quiet = quiet + 1 if cursor.fetchone()[0] == 0 else 0
        assert time.monotonic() < until, "A request never ended."
        time.sleep(0.05)
