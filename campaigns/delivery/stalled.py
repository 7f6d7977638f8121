"""Messages that stand still: they should have gone on a while ago and did not, whatever the reason. Counted from the
rows alone, so that nothing has to notice that it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from campaigns.delivery import arbitration, reconcile
from campaigns.operations.models import AuditEntry


class Kind(StrEnum):
    WAITING = "WAITING"
    """Due, and nobody has taken it."""
    RETRIED = "RETRIED"
    """Tried already; put off by what the provider or receiver answered."""
    FAULT = "FAULT"
    """Put off by a fault of our own: it cannot be made or begun."""
    IN_HAND = "IN_HAND"
    """Its lease ran out long ago and nobody has released it."""
    UNCLEAR = "UNCLEAR"
    """Its evidence window closed long ago and nobody has settled it."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """Of one gate, channel and kind. `since`: when the first of them should have gone on, business time."""

    gate: str
    gate_state: str
    channel: str
    kind: Kind
    number: int
    since: datetime


# Of what was let go again only a moment ago (a pause or the switch is over) the time counts from there. What a worker
# had in hand, or is unclear, goes by wall time. A select for each state, each with its own partial index.
_STALLED = """
WITH late AS (
    SELECT message.gate_id, message.channel, 'WAITING' AS kind, message.due_at AS since
    FROM delivery_message message
    WHERE message.state = 'PLANNED' AND message.due_at <= %(limit)s AND message.purpose <> 'TEST'
    UNION ALL
    SELECT message.gate_id, message.channel,
        CASE WHEN message.next_at <= %(wall_now)s THEN 'WAITING' WHEN EXISTS (
            SELECT 1 FROM delivery_deliveryattempt attempt
            WHERE attempt.message_id = message.id AND attempt.number = message.attempt AND attempt.code = %(fault)s
        ) THEN 'FAULT' ELSE 'RETRIED' END, message.due_at
    FROM delivery_message message
    WHERE message.state = 'READY' AND message.due_at <= %(limit)s AND message.purpose <> 'TEST'
    UNION ALL
    SELECT message.gate_id, message.channel, 'IN_HAND', message.lease_until + %(ahead)s
    FROM delivery_message message
    WHERE message.state IN ('CLAIMED', 'SENDING') AND message.lease_until <= %(wall_limit)s
        AND message.purpose <> 'TEST'
    UNION ALL
    SELECT message.gate_id, message.channel, 'UNCLEAR', unclear.until + %(ahead)s
    FROM delivery_message message
    JOIN unnest(%(channels)s::text[], %(windows)s::interval[]) AS evidence(channel, length)
        ON evidence.channel = message.channel
    CROSS JOIN LATERAL (
        SELECT GREATEST(message.unknown_at, (SELECT max(since) FROM delivery_intakewatch)) + evidence.length AS until
    ) AS unclear
    WHERE message.state = 'UNKNOWN' AND message.unknown_at <= %(wall_limit)s AND message.purpose <> 'TEST'
), told AS (
    SELECT gate.slug, gate.state, late.channel, late.kind,
        CASE WHEN late.kind IN ('WAITING', 'RETRIED', 'FAULT') AND gate.state = 'OPEN'
            THEN GREATEST(late.since, gate.changed_at, (
                SELECT changed_at FROM operations_sendswitch WHERE id = 1 AND is_on
            ))
            ELSE late.since END AS since
    FROM late JOIN delivery_sendgate gate ON gate.id = late.gate_id
    WHERE %(gate)s = '' OR gate.slug = %(gate)s
)
SELECT slug, state, channel, kind, count(*), min(since) FROM told
WHERE since <= %(limit)s
GROUP BY slug, state, channel, kind
ORDER BY slug, channel, kind
"""

# READY is in nobody's hand: when it may be claimed next can be any time.
_HASTEN = """
UPDATE delivery_message SET next_at = %(wall_now)s
WHERE id IN (
    SELECT message.id FROM delivery_message message JOIN delivery_sendgate gate ON gate.id = message.gate_id
    WHERE gate.slug = %(gate)s AND message.state = 'READY' AND message.due_at <= %(now)s
        AND message.next_at > %(wall_now)s
    ORDER BY message.id FOR UPDATE OF message SKIP LOCKED
)
"""


def bound() -> timedelta:
    """How late something is before it is told as standing still."""
    return timedelta(minutes=settings.STALLED_AFTER_MIN)


def find_stalled(*, now: datetime, wall_now: datetime, gate: str = "") -> list[Stalled]:
    """Of one gate, or of all. Test sends are left out. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_STALLED, _params(gate, now, wall_now))
        return [
            Stalled(slug, state, channel, Kind(kind), number, since)
            for slug, state, channel, kind, number, since in cursor.fetchall()
        ]


def drive_again(*, gate: str, by: str, now: datetime, wall_now: datetime) -> int:
    """Release what dead workers held, and let what was put off be tried at once; the caller rings the bells. Returns
    how many messages that was. Audited.

    The rows stay the truth: what may have gone becomes UNKNOWN, never READY, and what is in somebody's hand is left to
    them. So nothing can go twice, however often somebody asks.
    """
    with transaction.atomic():
        released = reconcile.release_leases(wall_now=wall_now)
        with connection.cursor() as cursor:
            cursor.execute(_HASTEN, {"gate": gate, "now": now, "wall_now": wall_now})
            hastened = cursor.rowcount
        AuditEntry.objects.create(
            at=now,
            actor=by,
            action="campaign.driven_again",
            subject=f"campaign:{gate}"[:200],
            after={"released": released, "tried_at_once": hastened},
        )
    return released + hastened


def _params(gate: str, now: datetime, wall_now: datetime) -> dict[str, Any]:
    windows = reconcile.evidence_windows()
    return {
        "now": now,
        "wall_now": wall_now,
        "limit": now - bound(),
        "wall_limit": wall_now - bound(),
        "ahead": now - wall_now,
        "channels": list(windows),
        "windows": list(windows.values()),
        "gate": gate,
        "fault": arbitration.FAULT,
    }
