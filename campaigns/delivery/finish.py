"""What the provider answered, written back. Every statement is fenced with the attempt it belongs to.

A finish that comes too late (its lease ran out, the message is UNKNOWN by now) moves no message. Its
answer is still kept on the attempt, where the reconciler finds it as evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from campaigns.delivery import budget, spend
from campaigns.delivery.models import DeliveryAttempt, Message
from campaigns.delivery.spend import Cost
from campaigns.operations import arrays
from orchestrator.channels.events import RejectReason

Outcome = DeliveryAttempt.Outcome
State = Message.State

_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 300.0

_STATES = {
    Outcome.ACCEPTED: State.ACCEPTED,
    Outcome.REFUSED: State.FAILED,
    Outcome.BUSY: State.READY,
    Outcome.UNCLEAR: State.UNKNOWN,
}

_OWN = """
SELECT id, attempt, account_id, contact_id FROM delivery_message
WHERE id = ANY(%(ids)s::bigint[]) AND state = 'SENDING'
ORDER BY id
FOR UPDATE
"""

_MESSAGES = """
UPDATE delivery_message AS message
SET state = said.state, provider_id = said.provider_id, next_at = said.next_at,
    accepted_at = CASE WHEN said.state = 'ACCEPTED' THEN %(now)s::timestamptz ELSE message.accepted_at END,
    unknown_at = CASE WHEN said.state = 'UNKNOWN' THEN %(wall_now)s::timestamptz END,
    ended_at = CASE WHEN said.state IN ('ACCEPTED', 'FAILED') THEN %(now)s::timestamptz END,
    lease_until = NULL, claimed_by = ''
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(states)s::text[], %(providers)s::text[],
    %(next)s::timestamptz[]) AS said(id, attempt, state, provider_id, next_at)
WHERE message.id = said.id AND message.state = 'SENDING' AND message.attempt = said.attempt
"""

_ATTEMPTS = """
UPDATE delivery_deliveryattempt AS attempt
SET outcome = said.outcome, code = said.code, detail = said.detail, ended_at = %(wall_now)s
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(outcomes)s::text[], %(codes)s::text[], %(details)s::text[])
    AS said(id, number, outcome, code, detail)
WHERE attempt.message_id = said.id AND attempt.number = said.number
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One attempt's outcome. `retry_after_s` is the provider's wish where it is BUSY; `reject` what its refusal
    says about the address."""

    message_id: int
    attempt: int
    outcome: str
    provider_id: str = ""
    code: str = ""
    detail: str = ""
    retry_after_s: float | None = None
    reject: RejectReason | None = None
    provider: str = ""


def finish(
    *, answers: Sequence[Answer], now: datetime, wall_now: datetime, costs: Mapping[int, Cost] | None = None
) -> Counter[str]:
    """Write the answers; returns how many messages went into which state. `costs` is what begin_send was given.

    Need not be on disk: a lost finish leaves SENDING, whose lease runs out into UNKNOWN.
    """
    attempts = {one.message_id: one.attempt for one in answers}
    keys = {"ids": arrays.numbers(attempts), "attempts": arrays.numbers(attempts.values())}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(_OWN, keys)
        own = {row[0]: (row[2], row[3]) for row in cursor.fetchall() if attempts[row[0]] == row[1]}
        cursor.execute(
            _MESSAGES,
            {
                **keys,
                "now": now,
                "wall_now": wall_now,
                "states": arrays.words(_STATES[Outcome(one.outcome)] for one in answers),
                "providers": [one.provider_id[:200] for one in answers],
                "next": [wall_now + _pause(one) if one.outcome == Outcome.BUSY else None for one in answers],
            },
        )
        cursor.execute(
            _ATTEMPTS,
            {
                **keys,
                "wall_now": wall_now,
                "outcomes": arrays.words(one.outcome for one in answers),
                "codes": [one.code[:40] for one in answers],
                "details": [one.detail for one in answers],
            },
        )
        back = [one for one in answers if one.message_id in own and one.outcome in _NOT_GONE]
        if costs:
            _settle([one for one in answers if one.message_id in own], costs, now)
        _give_back(back, own)
    return Counter(str(_STATES[Outcome(one.outcome)]) for one in answers if one.message_id in own)


_NOT_GONE = frozenset({Outcome.BUSY, Outcome.REFUSED})


def _settle(answers: Sequence[Answer], costs: Mapping[int, Cost], now: datetime) -> None:
    """With a budget they have paid already, and what did not go gets it back; without one what went is counted here."""
    back = [costs[one.message_id] for one in answers if one.outcome in _NOT_GONE]
    gone = [costs[one.message_id] for one in answers if one.outcome not in _NOT_GONE]
    if spend.is_limited():
        if back:
            spend.give_back(costs=back, now=now)
    elif gone:
        spend.add(costs=gone, now=now)


def _give_back(answers: Sequence[Answer], own: dict[int, tuple[int | None, int]]) -> None:
    if not answers:
        return
    owners = [own[one.message_id] for one in answers]
    budget.give_back(
        message_ids=[one.message_id for one in answers],
        account_ids=[account_id for account_id, _ in owners if account_id is not None],
        contact_ids=[contact_id for _, contact_id in owners],
    )


def _pause(answer: Answer) -> timedelta:
    """The provider's wish, at least a doubling pause; spread by message so that they do not all come back at once."""
    doubled = min(_FIRST_PAUSE_S * 2.0 ** min(answer.attempt - 1, 12), _LONGEST_PAUSE_S)
    spread = 1 + (answer.message_id % 16) / 64
    return timedelta(seconds=max(doubled * spread, answer.retry_after_s or 0.0))
