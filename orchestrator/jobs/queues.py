"""The two queues. A worker listens to exactly one of them (settings/queues.py says why)."""

from __future__ import annotations

import django_rq
from django.conf import settings
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.results import get_key as result_key

NOW = "now"
BULK = "bulk"
FAILURE_TTL_S = 7 * 24 * 3600
# A bell that rings every second and fails each time would fill gigabytes within that week.
KEPT_FAILURES = 200


def queue_of(bell: str) -> str:
    return str(settings.BELL_QUEUES.get(bell, NOW))


def open_queue(name: str) -> Queue:
    return django_rq.get_queue(name)


def connection() -> Redis:
    return open_queue(NOW).connection


def forget_failures(queue: Queue) -> None:
    """Of failed bells the newest KEPT_FAILURES stay to be looked at; RQ forgets by age alone."""
    failed = queue.failed_job_registry.key
    oldest = [job_id.decode() for job_id in queue.connection.zrange(failed, 0, -KEPT_FAILURES - 1)]
    if oldest:
        gone = queue.connection.pipeline()
        gone.zrem(failed, *oldest)
        gone.delete(*(key for job_id in oldest for key in (Job.key_for(job_id), result_key(job_id))))
        gone.execute()
