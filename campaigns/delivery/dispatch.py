"""Sending: claim a slice, render it, begin it, hand it to the channel, write back what came of it.

What is begun together is in flight together, in no more requests than the channel may have: whatever
kills a worker leaves at most the messages of those requests undetermined. A request carries one
message, or many of one wording where the channel takes batches (`shipments.py`).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from django.conf import settings

from campaigns.consent.models import ConsentTopic
from campaigns.delivery import begin, breaker, claim, csm_task, finish, in_app, refusals, render, shipments, switch
from campaigns.delivery.begin import SENDING
from campaigns.delivery.claim import Held
from campaigns.delivery.finish import Answer
from campaigns.delivery.models import Message
from campaigns.delivery.render import Outgoing
from campaigns.delivery.shipments import Shipment
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.channels.contract import BatchChannel, Channel
from orchestrator.jobs.worker import stop_requested

log = logging.getLogger(__name__)

# Channels whose delivery is a row of our own: nobody is called, whatever adapter they have.
OWN_ROWS = {"in_app": in_app.deliver, csm_task.CHANNEL: csm_task.deliver}
OWN_ROWS_SLICE = 200
# A drain keeps connections and compiled templates warm, and still lets other bells of the worker have a turn.
DRAIN_S = 10.0
# A drain begins with a few requests, and with more after each slice that went through.
_FIRST_REQUESTS, _FASTER = 4, 4
# Answers are written back at the latest this long after they came, while slower ones are awaited.
FLUSH_S = 0.25


@dataclass(frozen=True, slots=True)
class _Sender:
    """One channel's adapter with its pool, for the length of a drain. `size` messages are claimed at a time."""

    channel: Channel
    pool: Executor | None
    size: int
    batch: BatchChannel | None = None

    @property
    def first(self) -> int:
        """How many messages a drain begins with: a provider that is down is found out by a few calls."""
        if self.channel.kind in OWN_ROWS:
            return self.size
        return _FIRST_REQUESTS * (self.batch.batch_size if self.batch else 1)


def dispatch_due(*, channel: str, now: datetime, worker: str, seconds: float = DRAIN_S) -> Counter[str]:
    """Send what is READY on the channel until nothing is left, the time is up or this process is asked to end; counts
    by what became of them.

    `now` is business time for the whole drain. Safe in any number of processes at once.
    """
    switch.ensure_switch(now=now)
    topics = {topic.slug: topic for topic in ConsentTopic.objects.all()}
    until = time.monotonic() + seconds
    done: Counter[str] = Counter()
    with _sender(channel) as sender:
        pace = sender.first
        while time.monotonic() < until and not stop_requested():
            careful = not done or _trouble(done) > 0
            allowed = breaker.allowance(channel=channel, wall_now=clock.wall_now()) if careful else None
            size = min(pace, sender.size) if allowed is None else allowed
            held = claim.claim_messages(channel=channel, size=size, worker=worker, wall_now=clock.wall_now())
            if not held:
                break
            came = send_slice(held=held, topics=topics, sender=sender, now=now)
            pace = pace * _FASTER if came[Message.State.ACCEPTED] or not _trouble(came) else 1
            done += came
            if allowed is not None:
                break
    return done


def _trouble(done: Counter[str]) -> int:
    return done[Message.State.UNKNOWN] + done[Message.State.READY]


def send_slice(
    *, held: Sequence[Held], topics: Mapping[str, ConsentTopic], sender: _Sender, now: datetime
) -> Counter[str]:
    """One slice from claim to answer."""
    slot_bytes = sender.batch.slot_bytes if sender.batch else 0
    outgoing, failed = render.render_held(held=held, slot_bytes=slot_bytes)
    done: Counter[str] = Counter()
    if failed:
        done[Message.State.SKIPPED] += render.skip_failed(failed=failed, now=now, wall_now=clock.wall_now())
    if not outgoing:
        return done
    if sender.channel.kind in OWN_ROWS:
        deliver = OWN_ROWS[sender.channel.kind]
        return done + deliver(outgoing=outgoing, topics=topics, now=now, wall_now=clock.wall_now())
    packed = shipments.pack(outgoing=outgoing, size=sender.batch.batch_size if sender.batch else 1)
    for load in batched(packed, sender.channel.in_flight):
        done += _send_load(load, sender, topics, now)
    return done


def _send_load(
    load: Sequence[Shipment], sender: _Sender, topics: Mapping[str, ConsentTopic], now: datetime
) -> Counter[str]:
    """Begin what its requests carry, and have all of them in flight at once."""
    # The lease is renewed by begin_send and counted from before it, on a clock that nobody sets.
    deadline = time.monotonic() + settings.DELIVERY_LEASE_S
    held = [one.held for shipment in load for one in shipment]
    # Of two to one person the one that was planned first takes the budget.
    held.sort(key=lambda one: one.id)
    verdicts = begin.begin_send(held=held, topics=topics, now=now, wall_now=clock.wall_now())
    done = Counter(str(verdict.state) for verdict in verdicts.values() if verdict != SENDING)
    going = [[one for one in shipment if verdicts.get(one.held.id) == SENDING] for shipment in load]
    return done + _call_all([shipment for shipment in going if shipment], sender, deadline, now)


def _call_all(going: Sequence[Shipment], sender: _Sender, deadline: float, now: datetime) -> Counter[str]:
    done: Counter[str] = Counter()
    everyone = [one for shipment in going for one in shipment]
    if sender.pool is None:
        for shipment in going:
            done += _write_back(shipments.call(sender.channel, shipment, deadline), everyone, now)
        return done
    pending: set[Future[list[Answer]]] = {
        sender.pool.submit(shipments.call, sender.channel, shipment, deadline) for shipment in going
    }
    while pending:
        ready, pending = wait(pending, timeout=FLUSH_S)
        if ready:
            done += _write_back([answer for future in ready for answer in future.result()], everyone, now)
    return done


def _write_back(answers: Sequence[Answer], going: Sequence[Outgoing], now: datetime) -> Counter[str]:
    """What a refusal says about an address comes first: it must not be lost with a worker."""
    refusals.note_refusals(answers=answers, held=[one.held for one in going], now=now)
    return finish.finish(answers=answers, now=now, wall_now=clock.wall_now())


@contextmanager
def _sender(kind: str) -> Iterator[_Sender]:
    channel = registry.get(kind)
    if kind in OWN_ROWS:
        yield _Sender(channel, None, OWN_ROWS_SLICE)
        return
    batch = channel if isinstance(channel, BatchChannel) and channel.batch_size > 1 else None
    size = max(channel.in_flight, batch.batch_size if batch else 1)
    if channel.in_flight <= 1:
        yield _Sender(channel, None, size, batch)
        return
    with ThreadPoolExecutor(max_workers=channel.in_flight, thread_name_prefix=f"send-{kind}") as pool:
        yield _Sender(channel, pool, size, batch)
