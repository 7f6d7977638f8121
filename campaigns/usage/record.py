from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.operations.arrays import as_array


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that was stored once by its source and is now resolved to an account and a contact.

    `at` is the corrected time, `received_at` wall time; both aware. `properties` hold no NUL character:
    PostgreSQL stores none, so that the front door refuses them.
    """

    at: datetime
    account_id: int | None
    contact_id: int | None
    name: str
    properties: Mapping[str, Any] = field(repr=False)
    source: str
    message_id: str
    received_at: datetime


_INSERT = """
    INSERT INTO usage_usageevent (at, account_id, contact_id, name, properties, source, message_id, received_at)
    SELECT at, account_id, contact_id, name, properties::jsonb, source, message_id, received_at
      FROM unnest(%s::timestamptz[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
                  %s::timestamptz[])
        AS given (at, account_id, contact_id, name, properties, source, message_id, received_at)
"""


def record_events(*, events: Sequence[NewEvent]) -> int:
    """Store events by one statement. Telling replays apart is the front door's work, not done here."""
    if not events:
        return 0
    encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
    columns: list[list[Any]] = [
        [event.at for event in events],
        [event.account_id for event in events],
        [event.contact_id for event in events],
        [event.name for event in events],
        [encode(event.properties) for event in events],
        [event.source for event in events],
        [event.message_id for event in events],
        [event.received_at for event in events],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [as_array(column) for column in columns])
        return int(cursor.rowcount)
