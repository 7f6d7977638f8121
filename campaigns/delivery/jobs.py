"""What bells set off. Each run takes what it finds and rings again when it left something."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from rq.timeouts import BaseTimeoutException

from campaigns.delivery import ask, claim, feedback, prune, task_work
from campaigns.delivery import dispatch as dispatching
from campaigns.delivery import reconcile as repairs
from campaigns.delivery.models import Message
from campaigns.operations import blame, retention
from orchestrator import clock
from orchestrator.jobs import bells

log = logging.getLogger(__name__)

APPLY_S = 10.0


def dispatch(**_kwargs: object) -> None:
    """Make due messages ready, then drain every channel for a while. What fails on one keeps no other from its turn."""
    now = clock.utcnow()
    due: Counter[str] = Counter()
    failed: list[Exception] = []
    with _own_try("making messages ready", failed):
        due = claim.make_ready(now=now, wall_now=clock.wall_now())
    worker = f"{socket.gethostname()}:{os.getpid()}"
    until = time.monotonic() + dispatching.DRAIN_S
    for channel in settings.CHANNELS:
        left = max(until - time.monotonic(), 1.0)
        with _own_try(f"sending by {channel}", failed):
            done = dispatching.dispatch_due(channel=channel, now=now, worker=worker, seconds=left)
            if done:
                log.info("messages sent", extra={"channel": channel, **{state.lower(): n for state, n in done.items()}})
    if sum(due.values()) >= claim.DUE_LIMIT or time.monotonic() >= until:
        bells.ring("messages_due")
    if failed:
        raise ExceptionGroup("Not everything could be sent.", failed)


@contextmanager
def _own_try(what: str, failed: list[Exception]) -> Iterator[None]:
    """Whatever happens, but the end of the job's time and the loss of the database. A lock that one channel waited for
    in vain is nobody else's."""
    try:
        yield
    except BaseTimeoutException:
        raise
    except Exception as error:
        if not connection.is_usable():
            raise
        log.error("%s failed: %s.", what, blame.describe(error))
        failed.append(error)


def apply_feedback(**_kwargs: object) -> None:
    until = time.monotonic() + APPLY_S
    taken = feedback.APPLY_LIMIT
    while taken >= feedback.APPLY_LIMIT and time.monotonic() < until:
        taken = feedback.apply_feedback(now=clock.utcnow(), wall_now=clock.wall_now())
    if taken >= feedback.APPLY_LIMIT:
        bells.ring("feedback_stored")


def ask_for_confirmations(**_kwargs: object) -> None:
    read = ask.ask_pending(now=clock.utcnow())
    if read >= ask.LIMIT:
        bells.ring("confirmations_due")


def reconcile(**_kwargs: object) -> None:
    done = repairs.reconcile(now=clock.utcnow(), wall_now=clock.wall_now())
    called_off = task_work.call_off_refused(now=clock.utcnow())
    if called_off:
        log.info("calls called off", extra={"tasks": called_off})
    if done:
        log.warning("messages repaired", extra={state.lower(): n for state, n in done.items()})
    if done[Message.State.READY]:
        bells.ring("messages_due")


def prune_old(**_kwargs: object) -> None:
    """After `campaigns.sequences.jobs.prune_old`: what no campaign points at any more."""
    now = clock.utcnow()
    taken = {
        "reports": prune.remove_reports(now=now, wall_now=clock.wall_now()),
        "details": prune.empty_details(now=now),
        "messages": prune.remove_messages(now=now),
    }
    retention.tell(log=log, taken=taken)
