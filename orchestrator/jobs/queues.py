"""The two queues. A worker listens to exactly one of them (settings/queues.py says why)."""

from __future__ import annotations

import django_rq
from django.conf import settings
from redis import Redis
from rq import Queue

NOW = "now"
BULK = "bulk"
FAILURE_TTL_S = 7 * 24 * 3600


def queue_of(bell: str) -> str:
    return str(settings.BELL_QUEUES.get(bell, NOW))


def open_queue(name: str) -> Queue:
    return django_rq.get_queue(name)


def connection() -> Redis:
    return open_queue(NOW).connection
