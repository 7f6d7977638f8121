"""Sending: claim a slice, render it, begin it, hand it to the channel, write back what came of it.

What is begun together is in flight together, in no more requests than the channel may have: whatever
kills a worker leaves at most the messages of those requests undetermined. A request carries one
message, or many of one wording where the channel takes batches (`shipments.py`). What fails before
it is begun is tried apart (`apart.py`); what fails later may have gone.
"""

from __future__ import annotations

import functools
import math
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID, uuid4

from django.conf import settings

from campaigns.consent.models import ConsentTopic
from campaigns.delivery import (
    apart,
    begin,
    breaker,
    claim,
    finish,
    making,
    own_rows,
    pace,
    receivers,
    refusals,
    shipments,
    spend,
    switch,
    windows,
)
from campaigns.delivery.breaker import Fuse, Standing
from campaigns.delivery.claim import Held
from campaigns.delivery.decided import SENDING
from campaigns.delivery.finish import Answer
from campaigns.delivery.render import Outgoing
from campaigns.delivery.shipments import Called, Search, Shipment
from campaigns.delivery.spend import Cost
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.channels.contract import BatchChannel, Channel, PacedChannel
from orchestrator.jobs.worker import stop_requested

# So many times what may be in flight is claimed at a time: a claim costs much the same, however many it takes.
_LOADS = 4
# A drain keeps connections and compiled templates warm, and still lets other bells of the worker have a turn.
DRAIN_S = 10.0
# Answers are written back at the latest this long after they came, while slower ones are awaited.
FLUSH_S = 0.25
# Providers are asked about quiet hours up to this far ahead; none holds a text longer.
LONGEST_ON_ITS_WAY_S = 4 * 3600
# A rest that a provider or a rate asks for is sat out up to this long.
LONGEST_REST_S = 0.5


@dataclass(frozen=True, slots=True)
class _Sender:
    """One channel's adapter with its pool, for the length of a drain. `size` messages are claimed at a time; `began`
    (monotonic) is when the drain's `now` was."""

    channel: Channel
    pool: Executor | None
    size: int
    batch: BatchChannel | None = None
    paced: PacedChannel | None = None
    per_s: float = 0.0
    began: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class _Load:
    """What is in flight together: `going` by request. `costs` is what each takes of the day's budget, `stayed` counts
    what was not begun."""

    held: dict[int, Held]
    going: Sequence[Shipment]
    stayed: Counter[str]
    deadline: float
    now: datetime
    costs: Mapping[int, Cost]
    fuse: Fuse
    topics: Mapping[str, ConsentTopic]
    began: float
    search: Search = field(default_factory=Search)
    told: list[Answer] = field(default_factory=list)
    """Of each request the answer that tells how the provider is."""


def dispatch_due(*, channel: str, now: datetime, worker: str, seconds: float = DRAIN_S) -> Counter[str]:
    """Send what is READY on the channel until nothing is left, the time is up or this process is asked to end; counts
    by what became of them.

    `now` is business time for the whole drain. Safe in any number of processes at once.
    """
    switch.ensure_switch(now=now)
    topics = {topic.slug: topic for topic in ConsentTopic.objects.all()}
    until = time.monotonic() + seconds
    done: Counter[str] = Counter()
    sender = _sender(channel)
    while time.monotonic() < until and not stop_requested():
        standing = _standing(channel)
        size = _room(sender, standing, until)
        held = _claim(channel, size, worker) if size else []
        if not held:
            break
        done += send_slice(held=held, topics=topics, sender=sender, now=now, standing=standing, until=until)
        if standing.is_open:
            break
    return done


def send_slice(
    *,
    held: Sequence[Held],
    topics: Mapping[str, ConsentTopic],
    sender: _Sender,
    now: datetime,
    standing: Standing = breaker.HEALTHY,
    until: float = math.inf,
) -> Counter[str]:
    """One slice from claim to answer. What is not begun by `until` (monotonic) is put back."""
    outgoing, done = making.make(held=held, slot_bytes=sender.batch.slot_bytes if sender.batch else 0, now=now)
    if not outgoing:
        return done
    if sender.channel.kind in own_rows.CHANNELS:
        return done + own_rows.deliver(channel=sender.channel.kind, outgoing=outgoing, topics=topics, now=now)
    packed = shipments.pack(outgoing=outgoing, size=sender.batch.batch_size if sender.batch else 1)
    waiting = _paced(packed, sender)
    while waiting:
        sent, left = _send_loads(waiting[: sender.channel.in_flight], sender, topics, now, standing)
        done += sent
        waiting = waiting[sender.channel.in_flight :]
        if left or (waiting and (stop_requested() or time.monotonic() > until)):
            _put_back([*left, *waiting], clock.wall_now())
            break
        # What other workers were answered meanwhile is this one's business, too.
        standing = _standing(sender.channel.kind) if waiting else standing
        if standing.is_open or standing.paused_until is not None:
            _put_back(waiting, clock.wall_now())
            break
    return done


def _send_loads(
    waiting: list[Shipment], sender: _Sender, topics: Mapping[str, ConsentTopic], now: datetime, standing: Standing
) -> tuple[Counter[str], list[Shipment]]:
    """What may be in flight together; and what is left of it where the provider failed."""
    done: Counter[str] = Counter()
    fuse = Fuse()
    while waiting and not fuse.is_blown:
        # A provider that was silent for long, or failed last, gets a few requests before it gets many.
        careful = standing.is_unsure and not fuse.has_held
        at_once = min(sender.channel.in_flight, breaker.CAREFUL) if careful else sender.channel.in_flight
        done += _send_load(waiting[:at_once], sender, topics, now, fuse, standing)
        waiting = waiting[at_once:]
    return done, waiting


def _standing(channel: str) -> Standing:
    return breaker.HEALTHY if channel in own_rows.CHANNELS else breaker.read(channel=channel, wall_now=clock.wall_now())


def _claim(channel: str, size: int, worker: str) -> list[Held]:
    return claim.claim_messages(channel=channel, size=size, worker=worker, wall_now=clock.wall_now())


def _room(sender: _Sender, standing: Standing, until: float) -> int:
    """How many messages to claim now: 0 where the provider wants or gets a rest that is longer than it is worth
    waiting here."""
    kind = sender.channel.kind
    if standing.paused_until is not None and not _wait_for((standing.paused_until - clock.wall_now()), until):
        return 0
    if standing.is_open:
        return 1 if breaker.take_probe(channel=kind, wall_now=clock.wall_now()) else 0
    if sender.paced is None:
        return sender.size
    per_s = sender.per_s
    room = pace.room(sender=sender.paced.sender, per_s=per_s, wall_now=clock.wall_now())
    if room < 1 and not _wait_for(timedelta(seconds=(1 - room) / per_s), until):
        return 0
    return max(1, min(sender.size, int(room) * (sender.batch.batch_size if sender.batch else 1)))


def _wait_for(rest: timedelta, until: float) -> bool:
    """Sit out a short rest; whether it was one. In a long one the worker has better things to do: the timetable rings
    again every second."""
    seconds = rest.total_seconds()
    if seconds > LONGEST_REST_S or time.monotonic() + seconds > until:
        return False
    time.sleep(max(seconds, 0.0))
    return True


def _paced(packed: list[Shipment], sender: _Sender) -> list[Shipment]:
    """Those that the sender's rate lets go now; the others are put back."""
    paced = sender.paced
    if paced is None:
        return packed
    units = [paced.units([one.message for one in shipment]) for shipment in packed]
    wall_now = clock.wall_now()
    count = pace.take(sender=paced.sender, per_s=sender.per_s, units=units, wall_now=wall_now)
    if packed[count:]:
        _put_back(packed[count:], wall_now + timedelta(seconds=units[count] / sender.per_s))
    return packed[:count]


def _put_back(left: Sequence[Shipment], next_at: datetime) -> None:
    if left:
        claim.release(held=[one.held for shipment in left for one in shipment], next_at=next_at)


def _send_load(
    load: Sequence[Shipment],
    sender: _Sender,
    topics: Mapping[str, ConsentTopic],
    now: datetime,
    fuse: Fuse,
    standing: Standing,
) -> Counter[str]:
    """Begin what its requests carry, and have all of them in flight at once. What can't be begun stops no other."""

    def act(part: Sequence[Outgoing], is_rehearsal: bool) -> _Load:
        ids = {one.held.id for one in part}
        able = [[one for one in shipment if one.held.id in ids] for shipment in load]
        return _begin(able, sender, topics, now, fuse, is_rehearsal)

    begun = apart.together(list(chain.from_iterable(load)), act=act, held_of=lambda one: one.held, now=now)
    if begun is None:
        return Counter()
    done = begun.stayed + _call_all(sender, begun)
    if begun.told:
        breaker.note(channel=sender.channel.kind, answers=begun.told, standing=standing, wall_now=clock.wall_now())
    return done


def _begin(
    load: Sequence[Shipment],
    sender: _Sender,
    topics: Mapping[str, ConsentTopic],
    now: datetime,
    fuse: Fuse,
    is_rehearsal: bool,
) -> _Load:
    """Nothing of it leaves here: where this raises, nothing was begun; in a rehearsal neither."""
    # The lease is renewed by begin_send and counted from before it, on a clock that nobody sets.
    deadline = time.monotonic() + settings.DELIVERY_LEASE_S
    is_paid = sender.channel.kind == spend.CHANNEL
    if is_paid:
        load = [[_until_night(one, now) for one in shipment] for shipment in load]
    # Of two to one person the one that was planned first takes the budget.
    held = sorted((one.held for one in chain.from_iterable(load)), key=lambda one: one.id)
    costs = _costs(load) if is_paid else {}
    verdicts = begin.begin_send(
        held=held,
        topics=topics,
        now=now,
        wall_now=clock.wall_now(),
        # A name for each that carries more than one message.
        requests=_named([shipment for shipment in load if len(shipment) > 1]),
        costs=costs,
        at=_at(now, sender.began),
        is_rehearsal=is_rehearsal,
    )
    stayed = Counter(str(verdict.state) for verdict in verdicts.values() if verdict != SENDING)
    going = [[one for one in shipment if verdicts.get(one.held.id) == SENDING] for shipment in load]
    going = [shipment for shipment in going if shipment]
    return _Load({one.id: one for one in held}, going, stayed, deadline, now, costs, fuse, topics, sender.began)


def _at(now: datetime, began: float) -> datetime:
    """Business time by now, where a drain keeps one `now`: a window may close meanwhile. Whole seconds, so that what
    windows say is asked a few times only."""
    return now + timedelta(seconds=int(time.monotonic() - began))


def _until_night(one: Outgoing, now: datetime) -> Outgoing:
    """A text that the provider holds for a while must not ring once quiet hours begin. `now` may be a drain old."""
    held = one.held
    left = windows.seconds_left(
        at=now, place=held.place, channel=held.channel, purpose=held.purpose, most=LONGEST_ON_ITS_WAY_S
    )
    if left == LONGEST_ON_ITS_WAY_S:
        return one
    return replace(one, message=replace(one.message, valid_s=max(left - int(DRAIN_S), 1)))


def _named(load: Sequence[Shipment]) -> dict[int, UUID]:
    named = [(shipment, uuid4()) for shipment in load]
    return {one.held.id: name for shipment, name in named for one in shipment}


def _costs(load: Sequence[Shipment]) -> dict[int, Cost]:
    everyone = chain.from_iterable(load)
    return {one.held.id: spend.cost_of(text=one.message.text, number=one.message.address) for one in everyone}


def _call_all(sender: _Sender, load: _Load) -> Counter[str]:
    done: Counter[str] = Counter()
    refused: list[Shipment] = []
    if sender.pool is None:
        begun = list(load.going)
        while begun or refused:
            if not begun:
                done += _begin_again(refused, 1, begun, load)
            called = [_call(sender.channel, shipment, load) for shipment in begun]
            begun = []
            done += _write_back(called, load)
            refused += [shipment for one in called for shipment in one.again]
        return done
    pending: set[Future[Called]] = {
        sender.pool.submit(_call, sender.channel, shipment, load) for shipment in load.going
    }
    while pending or refused:
        begun = []
        done += _begin_again(refused, sender.channel.in_flight - len(pending), begun, load)
        pending |= {sender.pool.submit(_call, sender.channel, shipment, load) for shipment in begun}
        ready, pending = wait(pending, timeout=FLUSH_S)
        if ready:
            told = [future.result() for future in ready]
            done += _write_back(told, load)
            refused += [shipment for called in told for shipment in called.again]
    return done


def _begin_again(refused: list[Shipment], room: int, begun: list[Shipment], load: _Load) -> Counter[str]:
    """Take from `refused`, the parts of requests that were refused as a whole, what may be in flight now, and add to
    `begun` what may still go of it. What waits longer is judged later: a no counts until the request leaves."""
    parts = refused[:room]
    if not parts:
        return Counter()
    del refused[:room]
    verdicts = begin.begin_again(
        held=sorted((one.held for part in parts for one in part), key=lambda one: one.id),
        topics=load.topics,
        now=load.now,
        wall_now=clock.wall_now(),
        requests=_named(parts),
        at=_at(load.now, load.began),
    )
    going = [[one for one in part if verdicts.get(one.held.id) == SENDING] for part in parts]
    begun += [part for part in going if part]
    return Counter(str(verdict.state) for verdict in verdicts.values() if verdict != SENDING)


def _call(channel: Channel, shipment: Shipment, load: _Load) -> Called:
    if channel.kind in breaker.MANY_RECEIVERS:
        return _call_receiver(channel, shipment, load)
    called = shipments.call(channel, shipment, load.deadline, lambda: load.fuse.is_blown, load.search)
    load.fuse.note(breaker.telling(called.answers))
    return called


def _call_receiver(channel: Channel, shipment: Shipment, load: _Load) -> Called:
    """One receiver that is down holds up only what goes to it."""
    receiver = receivers.of(shipment[0].message.address)
    called = shipments.call(
        channel, shipment, load.deadline, lambda: not receiver.may_be_called(time.monotonic()), load.search
    )
    receiver.note(called.answers, time.monotonic())
    return called


def _write_back(told: Sequence[Called], load: _Load) -> Counter[str]:
    """What a refusal says about an address comes first: it must not be lost with a worker."""
    answers = [answer for called in told for answer in called.answers]
    if not answers:
        return Counter()
    load.told += [one for called in told for one in breaker.telling(called.answers)]
    held = [load.held[answer.message_id] for answer in answers]
    refusals.note_refusals(answers=answers, held=held, now=load.now)
    return finish.finish(answers=answers, now=load.now, wall_now=clock.wall_now(), costs=load.costs)


def _sender(kind: str) -> _Sender:
    channel = registry.get(kind)
    if kind in own_rows.CHANNELS:
        return _Sender(channel, None, own_rows.SLICE)
    batch = channel if isinstance(channel, BatchChannel) and channel.batch_size > 1 else None
    paced = channel if isinstance(channel, PacedChannel) else None
    per_s = pace.rate_of(sender=paced.sender, configured=paced.units_per_s) if paced else 0.0
    loads = _LOADS if channel.in_flight > 1 else 1
    size = max(channel.in_flight * loads, batch.batch_size if batch else 1)
    pool = _pool(os.getpid(), kind, channel.in_flight) if channel.in_flight > 1 else None
    return _Sender(channel, pool, size, batch, paced if per_s > 0 else None, per_s)


@functools.lru_cache(maxsize=8)
def _pool(process: int, kind: str, threads: int) -> Executor:
    """Kept from drain to drain, and so the connections of its threads; a fork begins its own."""
    return ThreadPoolExecutor(max_workers=threads, thread_name_prefix=f"send-{kind}")
