"""What was decided about claimed messages, written down in the transaction of whoever decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from campaigns.delivery.claim import Held
from campaigns.delivery.models import DeliveryAttempt, Message
from campaigns.operations import arrays

State = Message.State

_GO = """
UPDATE delivery_message
SET state = 'SENDING', reason = '', next_at = NULL, lease_until = %(lease)s, ended_at = NULL, accepted_at = NULL,
    lost_to_id = NULL
WHERE id = ANY(%(ids)s::bigint[])
"""

_WRITE = """
UPDATE delivery_message AS message
SET state = said.state, reason = said.reason, due_at = coalesce(said.due_at, message.due_at),
    next_at = said.next_at, lease_until = NULL, ended_at = said.ended_at, accepted_at = said.accepted_at,
    lost_to_id = said.lost_to, claimed_by = ''
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(due)s::timestamptz[],
    %(next)s::timestamptz[], %(ended)s::timestamptz[], %(accepted)s::timestamptz[], %(lost)s::bigint[])
    AS said(id, state, reason, due_at, next_at, ended_at, accepted_at, lost_to)
WHERE message.id = said.id
"""

_ATTEMPTS = """
INSERT INTO delivery_deliveryattempt (message_id, number, started_at, ended_at, outcome, code, detail, request)
SELECT id, attempt, %(wall_now)s, NULL, 'STARTED', '', '', request
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(requests)s::uuid[]) AS begun(id, attempt, request)
"""

_REQUESTS = """
UPDATE delivery_deliveryattempt AS attempt SET request = said.request
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(requests)s::uuid[]) AS said(id, number, request)
WHERE attempt.message_id = said.id AND attempt.number = said.number
"""

_LEFT_BACK = """
UPDATE delivery_deliveryattempt AS attempt
SET request = NULL, outcome = %(outcome)s, code = %(code)s, detail = %(detail)s, ended_at = %(wall_now)s
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[]) AS said(id, number)
WHERE attempt.message_id = said.id AND attempt.number = said.number
"""

_ENDED = frozenset({State.SKIPPED, State.EXPIRED, State.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a claimed message now. SENDING means: it may go, for as long as the lease lasts. A reason
    beside PLANNED says why it was put off."""

    state: str
    reason: str = ""
    due_at: datetime | None = None
    next_at: datetime | None = None
    lost_to: int | None = None


SENDING = Verdict(State.SENDING)


def write(
    *,
    held: Sequence[Held],
    verdicts: Mapping[int, Verdict],
    now: datetime,
    wall_now: datetime,
) -> None:
    said = [(one.id, verdicts[one.id]) for one in held if one.id in verdicts]
    going = [message_id for message_id, verdict in said if verdict.state == State.SENDING]
    rows = [(message_id, verdict) for message_id, verdict in said if verdict.state != State.SENDING]
    with connection.cursor() as cursor:
        if going:
            lease_until = wall_now + timedelta(seconds=settings.DELIVERY_LEASE_S)
            cursor.execute(_GO, {"ids": arrays.numbers(going), "lease": lease_until})
        if not rows:
            return
        cursor.execute(
            _WRITE,
            {
                "ids": [message_id for message_id, _ in rows],
                "states": [verdict.state for _, verdict in rows],
                "reasons": [verdict.reason for _, verdict in rows],
                "due": [verdict.due_at for _, verdict in rows],
                "next": [verdict.next_at for _, verdict in rows],
                "ended": [now if verdict.state in _ENDED else None for _, verdict in rows],
                "accepted": [now if verdict.state == State.ACCEPTED else None for _, verdict in rows],
                "lost": [verdict.lost_to for _, verdict in rows],
            },
        )


def take_back() -> None:
    """The end of a rehearsal: what is looked at only when a transaction ends is looked at, and nothing of it stays."""
    connection.check_constraints()
    transaction.set_rollback(True)


def write_attempts(*, held: Sequence[Held], requests: Mapping[int, UUID], wall_now: datetime) -> None:
    if not held:
        return
    with connection.cursor() as cursor:
        cursor.execute(_ATTEMPTS, _asked(held, requests) | {"wall_now": wall_now})


def write_requests(*, held: Sequence[Held], requests: Mapping[int, UUID]) -> None:
    """These go again in other company, since the request they were in was refused. What a report about one proves about
    the others hangs on it."""
    if not held:
        return
    with connection.cursor() as cursor:
        cursor.execute(_REQUESTS, _asked(held, requests))


def end_attempts(*, held: Sequence[Held], code: str, detail: str, wall_now: datetime) -> None:
    """The request these were in was refused, and they are in no other: nothing that is known of it is about them."""
    if not held:
        return
    said = {"outcome": DeliveryAttempt.Outcome.BUSY.value, "code": code, "detail": detail, "wall_now": wall_now}
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_BACK, _asked(held, {}) | said)


def _asked(held: Sequence[Held], requests: Mapping[int, UUID]) -> dict[str, Any]:
    return {
        "ids": arrays.numbers(one.id for one in held),
        "attempts": arrays.numbers(one.attempt for one in held),
        "requests": [requests.get(one.id) for one in held],
    }
