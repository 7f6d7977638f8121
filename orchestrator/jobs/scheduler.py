"""The beat behind `manage.py rqcron`. RQ's own enqueues pickled jobs and stops when Redis is away."""

from __future__ import annotations

import logging
import time

from django_rq.cron import DjangoCronScheduler
from redis.exceptions import RedisError
from rq.cron import CronJob
from rq.utils import now

from orchestrator.jobs import bells

log = logging.getLogger(__name__)


class BellScheduler(DjangoCronScheduler):
    """Rings the bell that bears the cron job's name: JSON, coalesced, one waiting job per bell at most."""

    def enqueue_jobs(self) -> list[CronJob]:
        due = [job for job in self.get_jobs() if job.should_run()]
        for job in due:
            bells.ring(job.name)
            job.set_enqueue_time(now())
        return due

    def heartbeat(self) -> None:
        try:
            super().heartbeat()
        except RedisError as error:
            log.warning("The beat goes on without Redis: %s", error)
            time.sleep(1)

    def save(self, *args: object, **kwargs: object) -> None:
        try:
            super().save(*args, **kwargs)
        except RedisError as error:
            log.warning("The beat's state was not shown in Redis: %s", error)
