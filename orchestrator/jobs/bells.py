"""Bells: "there may be work". They carry a name and nothing else; what is to be done is read from rows.

Use cases write rows and never ring. Whoever called them (a view or a job) rings after the commit.
A bell that is lost costs one tick of the timetable, so that ringing never fails the caller.
"""

from __future__ import annotations

import logging
from functools import partial
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError
from rq import Queue

from orchestrator.jobs import queues

log = logging.getLogger(__name__)


def ring(name: str) -> None:
    """Set off the jobs of this bell, once the current transaction (if any) has committed.

    Ringing again before the answering job has started changes nothing.
    """
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(partial(_ring, name), robust=True)
    else:
        _ring(name)


def _ring(name: str) -> None:
    try:
        queue = queues.open_queue(queues.queue_of(name))
        if not _is_waiting(name, queue):
            _enqueue(name, queue)
    except (RedisError, OSError) as error:
        log.warning("The bell %s was not rung: Redis did not answer (%s). The next tick rings it.", name, error)


def _is_waiting(name: str, queue: Queue) -> bool:
    """Whether the job of the last ring is still in the queue: it will see whatever is committed by now."""
    job_id = queue.connection.get(_key(name))
    return job_id is not None and queue.connection.lpos(queue.key, job_id) is not None


def _enqueue(name: str, queue: Queue) -> None:
    job_id = f"{name}-{uuid4().hex}"
    queue.connection.set(_key(name), job_id, ex=24 * 3600)
    queue.enqueue_call(
        settings.BELL_JOB,
        args=(name,),
        job_id=job_id,
        result_ttl=0,
        failure_ttl=queues.FAILURE_TTL_S,
        description=f"bell {name}",
    )


def _key(name: str) -> str:
    return f"crescendo:bell:{name}"
