"""Support tickets as usage events: segments ask for what happened, and ask it of events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from campaigns.profiles.tickets import OpenedTicket
from campaigns.usage import record, roll

EVENT = "crescendo.ticket_opened"


def announce_tickets(*, opened: Sequence[OpenedTicket], now: datetime) -> int:
    """One event `crescendo.ticket_opened` `{"priority"}` per ticket, at the time it was opened.

    Call it in the transaction that made the tickets: then each is announced once. The subject stays out of it,
    for people write names there. Ring `usage_rolled` after the commit.
    """
    events = [
        record.NewEvent(
            at=ticket.opened_at,
            account_id=ticket.account_id,
            contact_id=ticket.contact_id,
            name=EVENT,
            properties={"priority": ticket.priority},
            source="crescendo",
            message_id=f"ticket:{ticket.key}"[:200],
            received_at=now,
        )
        for ticket in opened
    ]
    stored = record.record_events(events=events)
    roll.roll_events(events=events)
    return stored
