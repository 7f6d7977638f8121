"""From PLANNED to a worker's hand: due messages become READY, and a worker leases a few of them.

No network is touched here. A worker that dies holding a claim only lets its lease run out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from campaigns.delivery import windows
from campaigns.delivery.windows import Place

DUE_LIMIT = 2000

_DUE = """
SELECT message.id, message.send_by, message.window_start, message.window_end, message.channel, message.purpose,
    contact.time_zone, contact.country, coalesce(account.time_zone, ''), coalesce(account.country, ''),
    coalesce(contact.traits ->> 'state', ''), coalesce(account.traits ->> 'state', '')
FROM delivery_message message
JOIN profiles_contact contact ON contact.id = message.contact_id
LEFT JOIN profiles_account account ON account.id = message.account_id
WHERE message.state = 'PLANNED' AND message.due_at <= %(now)s
    AND (message.next_at IS NULL OR message.next_at <= %(wall_now)s)
ORDER BY message.due_at, message.id
LIMIT %(limit)s
FOR UPDATE OF message SKIP LOCKED
"""

_READY = """
UPDATE delivery_message SET state = 'READY', next_at = %(wall_now)s WHERE id = ANY(%(ids)s)
"""

_LATER = """
UPDATE delivery_message AS message SET due_at = later.due_at
FROM unnest(%(ids)s::bigint[], %(due)s::timestamptz[]) AS later(id, due_at)
WHERE message.id = later.id
"""

_EXPIRED = """
UPDATE delivery_message SET state = 'EXPIRED', ended_at = %(now)s WHERE id = ANY(%(ids)s)
"""

_CLAIM = """
WITH picked AS (
    SELECT message.id
    FROM delivery_message message
    JOIN delivery_sendgate gate ON gate.id = message.gate_id
    WHERE message.state = 'READY' AND message.channel = %(channel)s AND message.next_at <= %(wall_now)s
        AND (gate.state = 'OPEN' OR message.purpose = 'TEST')
        AND (SELECT is_on FROM operations_sendswitch WHERE id = 1)
    ORDER BY message.next_at, message.id
    LIMIT %(size)s
    FOR UPDATE OF message SKIP LOCKED
), taken AS (
    UPDATE delivery_message message
    SET state = 'CLAIMED', attempt = attempt + 1, claimed_by = %(worker)s, lease_until = %(lease_until)s
    FROM picked WHERE message.id = picked.id
    RETURNING message.*
)
SELECT taken.id, taken.uuid, taken.attempt, taken.gate_id, taken.contact_id, taken.account_id, taken.point_id,
    taken.template_version_id, taken.channel, taken.locale, taken.purpose, taken.context, taken.account_revision,
    taken.send_by, taken.origin_campaign, taken.planned_at, taken.priority, taken.expected_value,
    contact.email, contact.phone, contact.first_name, contact.last_name, contact.locale, contact.country,
    contact.external_id, contact.time_zone,
    account.name, account.external_id, account.country, account.domain, coalesce(account.time_zone, ''),
    coalesce(contact.traits ->> 'state', ''), coalesce(account.traits ->> 'state', ''), point.address_hash
FROM taken
CROSS JOIN LATERAL (SELECT * FROM profiles_contact WHERE id = taken.contact_id OFFSET 0) AS contact
CROSS JOIN LATERAL (SELECT * FROM consent_contactpoint WHERE id = taken.point_id OFFSET 0) AS point
LEFT JOIN LATERAL (SELECT * FROM profiles_account WHERE id = taken.account_id OFFSET 0) AS account ON true
ORDER BY taken.id
"""
# OFFSET 0: by their keys, whatever the statistics say. For a few messages nothing reads a whole table.


@dataclass(frozen=True, slots=True)
class Held:
    """A claimed message with what rendering and sending it need. `attempt` is the fence of this claim."""

    id: int
    uuid: UUID
    attempt: int
    gate_id: int
    contact_id: int
    account_id: int | None
    point_id: int
    template_version_id: int
    channel: str
    locale: str
    purpose: str
    context: dict[str, Any] = field(repr=False)
    account_revision: int
    send_by: datetime | None
    campaign: str
    email: str = field(repr=False)
    phone: str = field(repr=False)
    contact: dict[str, str] = field(repr=False)
    account: dict[str, str]
    zone: str
    place: Place
    address_hash: bytes
    planned_at: datetime
    priority: int
    expected_value: Decimal
    account_zone: str
    """Where the account's calendar days begin; the contact's zone where it has none."""


def make_ready(*, now: datetime, wall_now: datetime, limit: int = DUE_LIMIT) -> Counter[str]:
    """Look at what is due: READY inside its window, a later time outside, EXPIRED when it is too late.

    Returns how many of each (`READY`, `LATER`, `EXPIRED`). Any number of workers may run it at once.
    """
    ready: list[int] = []
    expired: list[int] = []
    later: dict[int, datetime] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(_DUE, {"now": now, "wall_now": wall_now, "limit": limit})
        for message_id, send_by, start, end, channel, purpose, *where in cursor.fetchall():
            place = _place(*where)
            due_at = windows.next_sendable(at=now, start=start, end=end, place=place, channel=channel, purpose=purpose)
            if send_by is not None and due_at > send_by:
                expired.append(message_id)
            elif due_at > now:
                later[message_id] = due_at
            else:
                ready.append(message_id)
        if ready:
            cursor.execute(_READY, {"ids": ready, "wall_now": wall_now})
        if later:
            cursor.execute(_LATER, {"ids": list(later), "due": list(later.values())})
        if expired:
            cursor.execute(_EXPIRED, {"ids": expired, "now": now})
    return Counter({"READY": len(ready), "LATER": len(later), "EXPIRED": len(expired)})


def claim_messages(*, channel: str, size: int, worker: str, wall_now: datetime) -> list[Held]:
    """Lease up to `size` READY messages of open gates; nobody else gets them while the lease lasts."""
    lease_until = wall_now + timedelta(seconds=settings.DELIVERY_LEASE_S)
    params: dict[str, Any] = {
        "channel": channel,
        "size": size,
        "worker": worker[:200],
        "wall_now": wall_now,
        "lease_until": lease_until,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(_CLAIM, params)
        return [_held(row) for row in cursor.fetchall()]


def _held(row: tuple[Any, ...]) -> Held:
    (message_id, uuid, attempt, gate_id, contact_id, account_id, point_id, version_id, channel, locale, purpose) = row[
        :11
    ]
    (context, revision, send_by, campaign, planned_at, priority, expected_value, email, phone) = row[11:20]
    (first_name, last_name, contact_locale, contact_country, contact_external_id, contact_zone) = row[20:26]
    (account_name, account_external_id, account_country, domain, account_zone, *states, address_hash) = row[26:]
    account = {
        "name": account_name,
        "external_id": account_external_id,
        "country": account_country,
        "domain": domain,
    }
    return Held(
        id=message_id,
        uuid=uuid,
        attempt=attempt,
        gate_id=gate_id,
        contact_id=contact_id,
        account_id=account_id,
        point_id=point_id,
        template_version_id=version_id,
        channel=channel,
        locale=locale,
        purpose=purpose,
        context=context if isinstance(context, dict) else json.loads(context),
        account_revision=revision,
        send_by=send_by,
        campaign=campaign,
        email=email,
        phone=phone,
        contact={
            "first_name": first_name,
            "last_name": last_name,
            "locale": contact_locale,
            "country": contact_country,
            "external_id": contact_external_id,
        },
        account=account if account_id is not None else {},
        zone=windows.zone_of(contact_zone=contact_zone, account_zone=account_zone),
        place=_place(contact_zone, contact_country, account_zone, account_country or "", *states),
        address_hash=bytes(address_hash),
        planned_at=planned_at,
        priority=priority,
        expected_value=expected_value,
        account_zone=windows.zone_of(contact_zone=account_zone, account_zone=contact_zone),
    )


_RELEASE = """
UPDATE delivery_message AS message
SET state = 'READY', attempt = message.attempt - 1, next_at = %(next)s, lease_until = NULL, claimed_by = ''
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[]) AS held(id, attempt)
WHERE message.id = held.id AND message.attempt = held.attempt AND message.state = 'CLAIMED'
"""


def release(*, held: Sequence[Held], next_at: datetime) -> None:
    """Put claimed messages back as they were before, to be claimed again at `next_at`: nothing was tried with them."""
    params: dict[str, Any] = {
        "ids": [one.id for one in held],
        "attempts": [one.attempt for one in held],
        "next": next_at,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(_RELEASE, params)


def _place(
    contact_zone: str, contact_country: str, account_zone: str, account_country: str, state: str, account_state: str
) -> Place:
    return windows.place_of(
        contact_zone=contact_zone,
        contact_country=contact_country,
        account_zone=account_zone,
        account_country=account_country,
        state=state,
        account_state=account_state,
    )
