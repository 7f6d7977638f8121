"""A process of its own that dies at a given statement."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable

from django.db import connection

KILLED = 9
PATIENCE_S = 30.0


def in_a_child(work: Callable[[], None]) -> int:
    """Run it in a process of its own; its exit status (0 when nothing killed it)."""
    pid = os.fork()
    if pid == 0:
        connection.connection = None  # the parent's, which psycopg never ends from another process
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(70)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _wait_for_back_ends()
    return status


def _wait_for_back_ends() -> None:
    """Until PostgreSQL has noticed that the child is gone: before, its rows are still locked."""
    until = time.monotonic() + PATIENCE_S
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            if cursor.fetchone()[0] == 0:
                return
            assert time.monotonic() < until, "A killed process's connection never ended."
            time.sleep(0.005)


def killing(number: int, side: str) -> Callable[..., object]:
    """A wrapper around this connection's statements that ends the process at the numbered one."""
    seen = 0

    def around(execute, sql, params, many, context):
        nonlocal seen
        seen += 1
        if seen == number and side == "before":
            os._exit(KILLED)
        result = execute(sql, params, many, context)
        if seen == number and side == "after":
            os._exit(KILLED)
        return result

    return around
