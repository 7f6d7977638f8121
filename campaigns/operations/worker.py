"""Workers show that they live by a row in PostgreSQL: RQ's own registry is gone after a FLUSHALL."""

from __future__ import annotations

import logging
import os
import socket
import time
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from campaigns.operations.models import WorkerHeartbeat
from orchestrator import clock
from orchestrator.jobs.worker import BellWorker

log = logging.getLogger(__name__)

BEAT_EVERY_S = 5.0
FORGET_AFTER = timedelta(days=1)


class BeatingWorker(BellWorker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._started_at = clock.wall_now()
        self._next_beat = 0.0

    @property
    def heartbeat_name(self) -> str:
        """Stable over restarts where a supervisor named the process, so that its row is reused."""
        process = os.environ.get("CRESCENDO_PROCESS") or f"{os.getpid()}"
        return f"{process}@{socket.gethostname()}"

    def beat(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + BEAT_EVERY_S
        try:
            close_old_connections()
            now = clock.wall_now()
            WorkerHeartbeat.objects.bulk_create(
                [
                    WorkerHeartbeat(
                        name=self.heartbeat_name,
                        queue=self.queues[0].name,
                        pid=os.getpid(),
                        started_at=self._started_at,
                        seen_at=now,
                    )
                ],
                update_conflicts=True,
                unique_fields=["name"],
                update_fields=["queue", "pid", "started_at", "seen_at"],
            )
            WorkerHeartbeat.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
        except (DatabaseError, InterfaceError) as error:
            log.warning("The heartbeat was not written: %s", error)

    def farewell(self) -> None:
        try:
            WorkerHeartbeat.objects.filter(name=self.heartbeat_name, pid=os.getpid()).delete()
        except (DatabaseError, InterfaceError) as error:
            log.warning("The heartbeat was not removed: %s", error)
        finally:
            connection.close()
