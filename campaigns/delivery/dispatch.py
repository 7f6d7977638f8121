"""Sending: claim a slice, render it, begin it, hand it to the channel, write back what came of it.

A slice is never larger than the requests a channel may have in flight, and all of a slice is in
flight at once: whatever kills a worker leaves at most one slice undetermined.
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

from django.conf import settings

from campaigns.consent.models import ConsentTopic
from campaigns.delivery import begin, breaker, claim, csm_task, finish, in_app, refusals, render, switch
from campaigns.delivery.begin import SENDING
from campaigns.delivery.claim import Held
from campaigns.delivery.finish import Answer, Outcome
from campaigns.delivery.models import Message
from campaigns.delivery.render import Outgoing
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.channels.contract import Busy, Channel, ChannelError, Refusal

log = logging.getLogger(__name__)

# Channels whose delivery is a row of our own: nobody is called, whatever adapter they have.
OWN_ROWS = {"in_app": in_app.deliver, csm_task.CHANNEL: csm_task.deliver}
OWN_ROWS_SLICE = 200
# Channels whose receiver knows a repeat by its id: what is unclear there is tried again like what certainly failed.
REPEATABLE = frozenset({"webhook"})
# A drain keeps connections and compiled templates warm, and still lets other bells of the worker have a turn.
DRAIN_S = 10.0
# What may pass between looking at the clock and the request leaving.
MARGIN_S = 2.0
# Answers are written back at the latest this long after they came, while slower ones are awaited.
FLUSH_S = 0.25


@dataclass(frozen=True, slots=True)
class _Sender:
    """One channel's adapter with its pool, for the length of a drain."""

    channel: Channel
    pool: Executor | None
    size: int


def dispatch_due(*, channel: str, now: datetime, worker: str, seconds: float = DRAIN_S) -> Counter[str]:
    """Send what is READY on the channel until nothing is left or the time is up; counts by what became of them.

    `now` is business time for the whole drain. Safe in any number of processes at once.
    """
    switch.ensure_switch(now=now)
    topics = {topic.slug: topic for topic in ConsentTopic.objects.all()}
    until = time.monotonic() + seconds
    done: Counter[str] = Counter()
    with _sender(channel) as sender:
        while time.monotonic() < until:
            careful = not done or done[Message.State.UNKNOWN] + done[Message.State.READY] > 0
            is_bad_day = careful and breaker.is_open(channel=channel, wall_now=clock.wall_now())
            size = 1 if is_bad_day else sender.size
            held = claim.claim_messages(channel=channel, size=size, worker=worker, wall_now=clock.wall_now())
            if not held:
                break
            done += send_slice(held=held, topics=topics, sender=sender, now=now)
            if is_bad_day:
                break
    return done


def send_slice(
    *, held: Sequence[Held], topics: Mapping[str, ConsentTopic], sender: _Sender, now: datetime
) -> Counter[str]:
    """One slice from claim to answer."""
    outgoing, failed = render.render_held(held=held)
    done: Counter[str] = Counter()
    if failed:
        done[Message.State.SKIPPED] += render.skip_failed(failed=failed, now=now, wall_now=clock.wall_now())
    if not outgoing:
        return done
    if sender.channel.kind in OWN_ROWS:
        deliver = OWN_ROWS[sender.channel.kind]
        return done + deliver(outgoing=outgoing, topics=topics, now=now, wall_now=clock.wall_now())
    # The lease is renewed by begin_send and counted from before it, on a clock that nobody sets.
    deadline = time.monotonic() + settings.DELIVERY_LEASE_S
    verdicts = begin.begin_send(held=[one.held for one in outgoing], topics=topics, now=now, wall_now=clock.wall_now())
    done += Counter(str(verdict.state) for verdict in verdicts.values() if verdict != SENDING)
    going = [one for one in outgoing if verdicts.get(one.held.id) == SENDING]
    return done + _call_all(going, sender, deadline, now)


def _call_all(going: Sequence[Outgoing], sender: _Sender, deadline: float, now: datetime) -> Counter[str]:
    done: Counter[str] = Counter()
    if sender.pool is None:
        for one in going:
            done += _write_back([_call(sender.channel, one, deadline)], going, now)
        return done
    pending: set[Future[Answer]] = {sender.pool.submit(_call, sender.channel, one, deadline) for one in going}
    while pending:
        ready, pending = wait(pending, timeout=FLUSH_S)
        if ready:
            done += _write_back([future.result() for future in ready], going, now)
    return done


def _write_back(answers: Sequence[Answer], going: Sequence[Outgoing], now: datetime) -> Counter[str]:
    """What a refusal says about an address comes first: it must not be lost with a worker."""
    refusals.note_refusals(answers=answers, held=[one.held for one in going], now=now)
    return finish.finish(answers=answers, now=now, wall_now=clock.wall_now())


def _call(channel: Channel, outgoing: Outgoing, deadline: float) -> Answer:
    """One request, in a thread of the pool. Touches no database, raises nothing."""
    answer = _ask(channel, outgoing, deadline)
    log.info(
        "a send was answered",
        extra={
            "message_uuid": str(outgoing.held.uuid),
            "attempt": answer.attempt,
            "outcome": str(answer.outcome),
            "code": answer.code,
        },
    )
    return answer


def _ask(channel: Channel, outgoing: Outgoing, deadline: float) -> Answer:
    held = outgoing.held
    if deadline - time.monotonic() < settings.PROVIDER_TIMEOUT_S + MARGIN_S:
        detail = "Not sent: too little of the lease was left. It is tried again."
        return Answer(held.id, held.attempt, Outcome.BUSY, code="lease_short", detail=detail)
    try:
        receipt = channel.send(outgoing.message)
    except ChannelError as error:
        return Answer(
            held.id,
            held.attempt,
            _outcome(error, held.channel),
            code=error.code,
            detail=error.detail,
            retry_after_s=error.retry_after_s,
            reject=getattr(error, "reject", None),
            provider=getattr(error, "provider", ""),
        )
    except Exception as error:
        # An adapter that breaks its contract may have sent before it did.
        log.exception("the channel failed in a way it should not", extra={"message_uuid": str(held.uuid)})
        return Answer(held.id, held.attempt, Outcome.UNCLEAR, code="adapter", detail=type(error).__name__)
    return Answer(held.id, held.attempt, Outcome.ACCEPTED, provider_id=receipt.provider_id)


def _outcome(error: ChannelError, channel: str) -> Outcome:
    if isinstance(error, Refusal):
        return Outcome.REFUSED
    return Outcome.BUSY if isinstance(error, Busy) or channel in REPEATABLE else Outcome.UNCLEAR


@contextmanager
def _sender(kind: str) -> Iterator[_Sender]:
    channel = registry.get(kind)
    if kind in OWN_ROWS:
        yield _Sender(channel, None, OWN_ROWS_SLICE)
        return
    if channel.in_flight <= 1:
        yield _Sender(channel, None, 1)
        return
    with ThreadPoolExecutor(max_workers=channel.in_flight, thread_name_prefix=f"send-{kind}") as pool:
        yield _Sender(channel, pool, channel.in_flight)
