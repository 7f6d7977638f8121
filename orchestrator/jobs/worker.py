"""The worker's manners: one queue, JSON only, jobs in its own process, stop between two pieces of work.

Jobs run in the worker's process (RQ's SimpleWorker): the ADR on workers has the measurement. What a fork
would have given is made up for here: a watchdog ends a worker whose job outlives its time-out, its
supervisor starts a new one, and rows say what was left half done.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

from django.db import close_old_connections
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from orchestrator.jobs import queues

log = logging.getLogger(__name__)

WATCH_EVERY_S = 1.0
WATCHDOG_GRACE_S = 30
ORPHAN_GRACE_S = 3.0
SUPERVISOR_VARIABLE = "CRESCENDO_SUPERVISOR"

_stopping = threading.Event()


def stop_requested() -> bool:
    """True once this process was asked to end. Jobs that drain look here between two batches."""
    return _stopping.is_set()


class BellWorker(SimpleWorker):
    """The arguments of `manage.py rqworker` that a wrong value of would lose jobs are fixed here."""

    def __init__(self, queues: Any, *args: Any, **kwargs: Any) -> None:
        kwargs |= {
            "serializer": JSONSerializer,
            "maintenance_interval": 30,
            "worker_ttl": 60,
            "job_monitoring_interval": 5,
        }
        super().__init__(queues, *args, **kwargs)
        if len(self.queues) > 1:
            raise ValueError("A worker listens to one queue: of a worker killed on two, RQ loses jobs.")
        self._deadline: float | None = None
        self._ended = threading.Event()

    def bootstrap(self, logging_level: str | None = "INFO", *args: Any, **kwargs: Any) -> None:
        super().bootstrap("WARNING", *args, **kwargs)

    def work(self, *args: Any, **kwargs: Any) -> bool:
        watch = threading.Thread(target=self._watch, name="watch", daemon=True)
        watch.start()
        try:
            return bool(super().work(*args, **kwargs))
        finally:
            self._ended.set()
            watch.join(timeout=2)

    def handle_warm_shutdown_request(self) -> None:
        _stopping.set()
        super().handle_warm_shutdown_request()

    def execute_job(self, job: Job, queue: Queue) -> None:
        self._deadline = time.monotonic() + (job.timeout or 0) + WATCHDOG_GRACE_S
        close_old_connections()
        try:
            super().execute_job(job, queue)
        finally:
            self._deadline = None
            close_old_connections()

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        super().handle_job_failure(job, queue, *args, **kwargs)
        try:
            queues.forget_failures(queue)
        except RedisError as error:
            log.warning("Old failed bells were not forgotten: %s", error)

    def beat(self) -> None:
        """Called about once a second from a thread of its own, whatever the job does."""

    def farewell(self) -> None:
        """Called once from the same thread when the worker ends in good order."""

    def _watch(self) -> None:
        supervisor = int(os.environ.get(SUPERVISOR_VARIABLE) or 0)
        orphaned_at: float | None = None
        while not self._ended.wait(WATCH_EVERY_S):
            self.beat()
            if self._deadline and time.monotonic() > self._deadline:
                log.critical("A job outlived its time-out and could not be interrupted: this worker ends itself.")
                os._exit(70)
            if supervisor and os.getppid() != supervisor:
                orphaned_at = orphaned_at or time.monotonic()
                if time.monotonic() - orphaned_at > ORPHAN_GRACE_S:
                    os._exit(71)
        self.farewell()
