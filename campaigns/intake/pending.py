"""Stored events that wait for the intake job: claim them, and write down what became of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.intake.models import InboundEvent

BILLING = "stripe."
# One batch at a time: who was introduced in an earlier batch is known to the next, and rows are never locked crosswise.
_ONE_AT_A_TIME = 0x1_2A4E


@dataclass(frozen=True, slots=True)
class Inbound:
    id: int
    received_at: datetime
    source_id: int
    source: str
    kind: str
    message_id: str
    at: datetime
    payload: Mapping[str, Any] = field(repr=False)


@dataclass(slots=True)
class Verdicts:
    """What became of rows, by id; a row in neither is done. `waiting` says for whom, `bad` why."""

    waiting: dict[int, str] = field(default_factory=dict)
    bad: dict[int, str] = field(default_factory=dict)

    def add(self, other: Verdicts) -> None:
        self.waiting |= other.waiting
        self.bad |= other.bad


def claim(*, limit: int, most_billing: int) -> list[Inbound]:
    """The oldest pending rows, locked until the transaction ends.

    At most `most_billing` of them are billing's: those are taken one by one, the others all at once.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        cursor.execute(
            "SELECT e.id, e.received_at, e.source_id, s.slug, e.kind, e.message_id, e.at, e.payload::text"
            " FROM intake_inboundevent e JOIN intake_source s ON s.id = e.source_id"
            " WHERE e.state = 'PENDING' ORDER BY e.id LIMIT %s FOR UPDATE OF e SKIP LOCKED",
            [limit],
        )
        rows = [(*columns, json.loads(payload)) for *columns, payload in cursor.fetchall()]
    claimed = [Inbound(*row) for row in rows]
    billing = [index for index, row in enumerate(claimed) if row.kind.startswith(BILLING)]
    return claimed[: billing[most_billing]] if len(billing) > most_billing else claimed


def settle(*, rows: Sequence[Inbound], verdicts: Verdicts) -> None:
    """Write the states; parked and quarantined rows are also kept where a person sees them."""
    waiting = [row for row in rows if row.id in verdicts.waiting]
    bad = [row for row in rows if row.id in verdicts.bad]
    done = [row for row in rows if row.id not in verdicts.waiting and row.id not in verdicts.bad]
    _set_state(done, InboundEvent.State.DONE)
    _set_state(waiting, InboundEvent.State.PARKED)
    _set_state(bad, InboundEvent.State.QUARANTINED)
    _park(waiting, verdicts.waiting)
    _quarantine(bad, verdicts.bad)


def _set_state(rows: Sequence[Inbound], state: str) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            # The bounds name the months to look in.
            "UPDATE intake_inboundevent SET state = %s WHERE id = ANY(%s) AND received_at BETWEEN %s AND %s",
            [
                state,
                [row.id for row in rows],
                min(row.received_at for row in rows),
                max(row.received_at for row in rows),
            ],
        )


def _park(rows: Sequence[Inbound], waiting: Mapping[int, str]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO intake_parked"
            " (source_id, inbound_id, waiting_for, kind, message_id, payload, at, received_at)"
            " SELECT e.source_id, e.id, given.waiting_for, e.kind, e.message_id, e.payload, e.at, e.received_at"
            "   FROM unnest(%s::bigint[], %s::text[]) AS given(id, waiting_for)"
            "   JOIN intake_inboundevent e ON e.id = given.id AND e.received_at BETWEEN %s AND %s",
            [
                [row.id for row in rows],
                [waiting[row.id][:220] for row in rows],
                min(row.received_at for row in rows),
                max(row.received_at for row in rows),
            ],
        )


def _quarantine(rows: Sequence[Inbound], errors: Mapping[int, str]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO intake_quarantined (source_id, kind, message_id, payload, error, received_at)"
            " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::jsonb[], %s::text[], %s::timestamptz[])",
            [
                [row.source_id for row in rows],
                [row.kind for row in rows],
                [row.message_id for row in rows],
                [json.dumps(row.payload) for row in rows],
                [errors[row.id] for row in rows],
                [row.received_at for row in rows],
            ],
        )
