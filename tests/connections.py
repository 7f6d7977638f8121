"""Several database connections at once, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from django.db import connection

from orchestrator import clock

LONG_S = 20


class Worker(threading.Thread):
    """A thread with its own database connection; `finish` hands on what went wrong in it."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.pid: int | None = None
        self.error: BaseException | None = None
        self.has_connected = threading.Event()

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.pid = cursor.fetchone()[0]
            self.has_connected.set()
            self._work()
        except BaseException as error:
            self.error = error
        finally:
            connection.close()

    def finish(self) -> None:
        self.join(LONG_S)
        assert not self.is_alive()
        if self.error:
            raise self.error


def wait_until_blocked(worker: Worker) -> None:
    """Until the worker's connection waits for a lock of somebody else."""
    assert worker.has_connected.wait(LONG_S)
    until = clock.wall_now() + timedelta(seconds=LONG_S)
    with connection.cursor() as cursor:
        while clock.wall_now() < until:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [worker.pid])
            if cursor.fetchone()[0]:
                return
    raise AssertionError("The worker never waited for a lock.")


def run_together(*works: Callable[[], object]) -> None:
    """Each in a connection of its own, all at once; the first error is raised."""
    workers = [Worker(work) for work in works]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.finish()
