"""What goes in one request: one message, or many of one wording where the channel takes batches.

Runs in the threads that call providers: no database, nothing raised. A batch is begun as a whole before
it leaves, so a time-out leaves all of it UNKNOWN, until a report about any of it comes. A request that was
refused for one message's sake took none: the others go again at once, within the same attempt, but only
after the caller has written down who is in company with whom now (`Called.again`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import batched

from django.conf import settings

from campaigns.delivery import arbitration, render
from campaigns.delivery.finish import Answer, Outcome
from campaigns.delivery.render import Outgoing
from orchestrator.channels import kept_alive
from orchestrator.channels.contract import (
    BatchChannel,
    Busy,
    Channel,
    ChannelError,
    Refusal,
    SendReceipt,
    Spared,
)

log = logging.getLogger(__name__)

# Channels whose receiver knows a repeat by its id: what is unclear there is tried again like what certainly failed.
REPEATABLE = frozenset({"webhook"})
# What may pass between looking at the clock and the request leaving.
MARGIN_S = 2.0

# Codes of answers that no provider gave: we did not ask.
LEASE_SHORT, HELD_BACK = "lease_short", "held_back"
# The provider is well, and finds something wrong that is in no message by itself.
UNNAMED = "unnamed"
TELL_NOTHING = frozenset({LEASE_SHORT, HELD_BACK, UNNAMED})
# So many refusals that name nobody, without a half of any batch taken, and it is no single message's fault: twice the
# halvings that find one in a thousand.
MOST_UNNAMED = 20

type Shipment = Sequence[Outgoing]


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a request: an answer for each message it settled; the rest in the requests it is to go in now."""

    answers: list[Answer]
    again: list[Shipment] = field(default_factory=list)


class Search:
    """The looking for whom a refusal without a name was about, over the requests of one load. Shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused = 0
        self._is_hopeful = False

    def note_refused(self) -> bool:
        """Whether halving is worth going on."""
        with self._lock:
            self._refused += 1
            return self._is_hopeful or self._refused < MOST_UNNAMED

    def note_taken(self) -> None:
        self._is_hopeful = True


def pack(*, outgoing: Sequence[Outgoing], size: int) -> list[Shipment]:
    """Messages with slots of one wording together, at most `size` in a request; every other alone. What is worth most
    comes first: whether it can be begun is known before others stand back for it."""
    alike: dict[Hashable, list[Outgoing]] = {}
    for one in sorted(outgoing, key=lambda one: arbitration.contender(one.held).worth, reverse=True):
        key = render.batch_key(one.held) if one.message.slots and size > 1 else one.held.id
        alike.setdefault(key, []).append(one)
    return [part for group in alike.values() for part in batched(group, size)]


def call(
    channel: Channel, shipment: Shipment, deadline: float, is_bad_day: Callable[[], bool], search: Search
) -> Called:
    """One request, made if enough of the lease is left (`deadline`, monotonic) and the provider is not known by now to
    fail at everything."""
    if _is_late(deadline):
        return _not_sent(shipment, LEASE_SHORT, "Not sent: too little of the lease was left. It is tried again.")
    if is_bad_day():
        return _not_sent(shipment, HELD_BACK, "Not sent: the provider failed at all before. It is tried again.")
    # Looked at once more at the very write: a process that was frozen in between sends nothing after its lease.
    with kept_alive.leave_before(deadline - settings.PROVIDER_TIMEOUT_S):
        called = _ask_batch(channel, shipment, search) if shipment[0].message.slots else Called(_ask(channel, shipment))
    uuids = {one.held.id: str(one.held.uuid) for one in shipment}
    for answer in called.answers:
        extra = {
            "message_uuid": uuids[answer.message_id],
            "attempt": answer.attempt,
            "outcome": str(answer.outcome),
            "code": answer.code,
        }
        log.info("a send was answered", extra=extra)
    return called


def _ask(channel: Channel, shipment: Shipment) -> list[Answer]:
    """One message by itself."""
    [one] = shipment
    try:
        outcome: SendReceipt | ChannelError = channel.send(one.message)
    except ChannelError as error:
        outcome = error
    except Exception as error:
        # An adapter that breaks its contract may have sent before it did.
        log.exception("the channel failed in a way it should not", extra={"message_uuid": str(one.held.uuid)})
        return [_broken(one, error)]
    return [_answer(one, outcome)]


def _ask_batch(channel: Channel, shipment: Shipment, search: Search) -> Called:
    assert isinstance(channel, BatchChannel), "Slots are made only for channels that take batches."
    try:
        outcomes = channel.send_batch([one.message for one in shipment])
    except Exception as error:
        log.exception("the channel failed in a way it should not", extra={"messages": len(shipment)})
        return Called([_broken(one, error) for one in shipment])
    told = list(zip(shipment, outcomes, strict=True))
    spared = [one for one, outcome in told if isinstance(outcome, Spared)]
    if any(isinstance(outcome, SendReceipt) for outcome in outcomes):
        search.note_taken()
    if len(spared) < len(shipment):
        answers = [_answer(one, outcome) for one, outcome in told if not isinstance(outcome, Spared)]
        return Called(answers, [spared] if spared else [])
    if not search.note_refused():
        return _not_sent(shipment, UNNAMED, "The provider refuses every part of the batch and names nobody. It waits.")
    if len(shipment) > 1:
        # Nobody was named: the half that has nothing wrong in it goes, the other is halved again.
        middle = len(shipment) // 2
        return Called([], [shipment[:middle], shipment[middle:]])
    return Called([_answer(one, outcome) for one, outcome in told])


def _is_late(deadline: float) -> bool:
    return deadline - time.monotonic() < settings.PROVIDER_TIMEOUT_S + MARGIN_S


def _not_sent(shipment: Shipment, code: str, detail: str) -> Called:
    return Called([Answer(one.held.id, one.held.attempt, Outcome.BUSY, code=code, detail=detail) for one in shipment])


def _broken(one: Outgoing, error: Exception) -> Answer:
    return Answer(one.held.id, one.held.attempt, Outcome.UNCLEAR, code="adapter", detail=type(error).__name__)


def _answer(one: Outgoing, outcome: SendReceipt | ChannelError) -> Answer:
    held = one.held
    if isinstance(outcome, SendReceipt):
        return Answer(held.id, held.attempt, Outcome.ACCEPTED, provider_id=outcome.provider_id)
    return Answer(
        held.id,
        held.attempt,
        _outcome(outcome, held.channel),
        code=outcome.code,
        detail=outcome.detail,
        retry_after_s=outcome.retry_after_s,
        reject=getattr(outcome, "reject", None),
        provider=getattr(outcome, "provider", ""),
    )


def _outcome(error: ChannelError, channel: str) -> Outcome:
    if isinstance(error, Refusal):
        return Outcome.REFUSED
    return Outcome.BUSY if isinstance(error, Busy) or channel in REPEATABLE else Outcome.UNCLEAR
