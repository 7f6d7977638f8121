"""What a campaign allows: one row per campaign, written here and locked by every send of it.

Each change is one statement that waits for the sends being begun: when it returns, no new SENDING
of that campaign can be committed under the old state.
"""

from __future__ import annotations

from datetime import datetime, time

from django.db import connection

from campaigns.delivery import freshness
from campaigns.delivery.models import Message, SendGate
from orchestrator import clock


class UnknownGateError(LookupError):
    """No campaign of this name has a gate."""


def set_gate(
    *,
    slug: str,
    purpose: str = Message.Purpose.MARKETING,
    topic: str = "offers",
    priority: int = 50,
    window_start: time | None = None,
    window_end: time | None = None,
    now: datetime,
) -> SendGate:
    """Make the gate (paused) or bring its terms up to date; its state stays what it was."""
    terms = {
        "purpose": purpose,
        "topic": topic,
        "priority": priority,
        "window_start": window_start,
        "window_end": window_end,
        "changed_at": now,
    }
    gate, _ = SendGate.objects.update_or_create(slug=slug, defaults=terms)
    return gate


def open_gate(*, slug: str, now: datetime) -> None:
    """Let the campaign's messages go; those with old figures get new ones first. A stopped campaign stays stopped."""
    _require(slug)
    gate = SendGate.objects.get(slug=slug)
    if gate.state == SendGate.State.PAUSED:
        freshness.put_back(gate_id=gate.pk, now=now, wall_now=clock.wall_now())
    SendGate.objects.filter(slug=slug).exclude(state=SendGate.State.STOPPED).update(
        state=SendGate.State.OPEN, changed_at=now
    )


def pause_gate(*, slug: str, now: datetime) -> None:
    """Hold everything that is not yet on its way; the messages stay as they are and go on when it opens."""
    _require(slug)
    SendGate.objects.filter(slug=slug, state=SendGate.State.OPEN).update(state=SendGate.State.PAUSED, changed_at=now)


def stop_gate(*, slug: str, now: datetime) -> int:
    """End it for good; returns how many waiting messages were skipped for that reason at once.

    A message that a worker holds at this moment is left to that worker, which finds the gate stopped.
    """
    _require(slug)
    SendGate.objects.filter(slug=slug).update(state=SendGate.State.STOPPED, changed_at=now)
    return skip_stopped(now=now)


def skip_stopped(*, now: datetime) -> int:
    """Skip what waits at stopped gates. Safe to repeat; rows in somebody's hand are passed over, not waited for."""
    with connection.cursor() as cursor:
        cursor.execute(_SKIP_STOPPED, {"now": now})
        return cursor.rowcount


_SKIP_STOPPED = """
UPDATE delivery_message
SET state = 'SKIPPED', reason = 'CAMPAIGN_STOPPED', ended_at = %(now)s
WHERE id IN (
    SELECT message.id
    FROM delivery_message message
    JOIN delivery_sendgate gate ON gate.id = message.gate_id
    WHERE gate.state = 'STOPPED' AND message.state IN ('PLANNED', 'READY')
    FOR UPDATE OF message SKIP LOCKED
)
"""


def _require(slug: str) -> None:
    if not SendGate.objects.filter(slug=slug).exists():
        raise UnknownGateError(f"There is no campaign gate {slug!r}: apply and launch the campaign first.")
