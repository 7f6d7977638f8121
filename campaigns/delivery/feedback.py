"""What providers report: stored once, then applied. Facts about a message only ever gain an earlier time.

Every fact is a minimum over the stored reports, so that their order and their repetition leave no
trace. Who must not be written to any more is settled within the request that brought it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from campaigns.consent import opt_out, points
from campaigns.consent.models import ContactPoint
from campaigns.delivery import grading, reports
from campaigns.delivery.models import Message, PastMessage
from campaigns.profiles import addresses
from orchestrator import http
from orchestrator.channels.events import DeliveryEvent, EventType, Grade, RejectReason

APPLY_LIMIT = 5000

_SEEN = """
INSERT INTO delivery_seenproviderevent (provider, key)
SELECT provider, key FROM unnest(%(providers)s::text[], %(keys)s::bytea[]) AS new(provider, key)
ORDER BY provider, key
ON CONFLICT (provider, key) DO NOTHING
RETURNING provider, key
"""

_STORE = """
INSERT INTO delivery_providerevent
    (received_at, provider, key, type, grade, at, message, attempt, address_hash, reason, url, applied_at)
SELECT %(received_at)s, new.* FROM unnest(%(provider)s::text[], %(key)s::bytea[], %(type)s::text[],
    %(grade)s::text[], %(at)s::timestamptz[], %(message)s::uuid[], %(attempt)s::int[], %(address_hash)s::bytea[],
    %(reason)s::text[], %(url)s::text[], %(applied_at)s::timestamptz[]) AS new
"""

_REASONS = {
    EventType.UNSUBSCRIBED: ContactPoint.Reason.UNSUBSCRIBED,
    EventType.COMPLAINED: ContactPoint.Reason.COMPLAINED,
    EventType.BOUNCED: ContactPoint.Reason.BOUNCED,
}
# A provider that drops a message because of its own list tells us what that list says.
_DROPPED = (
    ("unsubscribed address", ContactPoint.Reason.UNSUBSCRIBED),
    ("spam reporting address", ContactPoint.Reason.COMPLAINED),
    ("bounced address", ContactPoint.Reason.BOUNCED),
)
# The whole reason: "Invalid SMTPAPI header" is our fault.
_NO_ADDRESS = "invalid"
REJECTS = {
    RejectReason.OPTED_OUT: ContactPoint.Reason.UNSUBSCRIBED,
    RejectReason.BAD_ADDRESS: ContactPoint.Reason.BOUNCED,
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A report that could not be understood: kept with its reason, applied to nothing."""

    key: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Stored:
    new: int
    known: int
    opted_out: int


def store_events(
    *,
    events: Sequence[DeliveryEvent],
    unreadable: Sequence[Unreadable] = (),
    provider: str = "",
    now: datetime,
    wall_now: datetime,
) -> Stored:
    """One transaction: what is new is stored, and opt-outs among it are in force when this returns.

    Reports about messages we never sent are kept too: they are somebody's address.
    """
    rows = {(row["provider"], row["key"]): row for row in reports.rows_of(events=events)}
    rows |= {(provider, one.key): _unreadable_row(provider, one, wall_now) for one in unreadable}
    with transaction.atomic():
        new = mark_seen(sorted(rows))
        _insert([rows[key] for key in sorted(new)], wall_now)
        urgent = {event.key: event for event in events if (event.provider, event.key) in new and _reason(event)}
        opted_out = _opt_out(list(urgent.values()), now)
    return Stored(new=len(new), known=len(rows) - len(new), opted_out=opted_out)


def store_new(*, event: DeliveryEvent, now: datetime, wall_now: datetime) -> None:
    """One report whose key the caller has marked as seen in the same transaction, which decided what it says."""
    _insert(reports.rows_of(events=[event]), wall_now)
    if _reason(event):
        _opt_out([event], now)


def apply_feedback(*, now: datetime, wall_now: datetime, limit: int = APPLY_LIMIT) -> int:
    """Bring messages up to the stored reports, oldest first; returns how many reports were taken."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(_TAKE, {"limit": limit})
        taken = cursor.fetchall()
        if not taken:
            return 0
        uuids = sorted({message for _, _, message, _ in taken if message is not None})
        # In id order, before anything is written: two runs over the same messages wait instead of locking each other.
        cursor.execute(_LOCK, {"uuids": uuids})
        cursor.execute(_FACTS, {"uuids": uuids})
        _grade([message for _, _, message, kind in taken if message and kind in _GRADED])
        keys: dict[str, Any] = {
            "ids": [row[0] for row in taken],
            "received": [row[1] for row in taken],
            "wall_now": wall_now,
        }
        cursor.execute(_APPLIED, keys)
    return len(taken)


_TAKE = """
SELECT id, received_at, message, type FROM delivery_providerevent
WHERE applied_at IS NULL
ORDER BY id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
"""

_LOCK = "SELECT id FROM delivery_message WHERE uuid = ANY(%(uuids)s) ORDER BY id FOR NO KEY UPDATE"
_WAYS = "SELECT uuid, channel, accepted_at FROM delivery_message WHERE uuid = ANY(%(uuids)s)"
# What stands in the product or with a colleague is opened by who reads it.
_LOOKED_THROUGH = frozenset({"email", "sms"})

_FACTS = """
UPDATE delivery_message AS message
SET delivered_at = LEAST(message.delivered_at, fact.delivered),
    bounced_at = LEAST(message.bounced_at, fact.bounced),
    opened_at = LEAST(message.opened_at, fact.opened),
    replied_at = LEAST(message.replied_at, fact.replied),
    complained_at = LEAST(message.complained_at, fact.complained),
    unsubscribed_at = LEAST(message.unsubscribed_at, fact.unsubscribed)
FROM (
    SELECT message AS uuid,
        min(at) FILTER (WHERE type = 'DELIVERED') AS delivered,
        min(at) FILTER (WHERE type IN ('BOUNCED', 'BLOCKED', 'DROPPED')) AS bounced,
        min(at) FILTER (WHERE type = 'OPENED' AND grade NOT IN ('PROXY', 'SCANNER')) AS opened,
        min(at) FILTER (WHERE type = 'REPLIED') AS replied,
        min(at) FILTER (WHERE type = 'COMPLAINED') AS complained,
        min(at) FILTER (WHERE type = 'UNSUBSCRIBED') AS unsubscribed
    FROM delivery_providerevent
    WHERE message = ANY(%(uuids)s)
    GROUP BY message
) AS fact
WHERE message.uuid = fact.uuid
    -- A report that is no news about its message writes nothing.
    AND (fact.delivered < coalesce(message.delivered_at, 'infinity')
        OR fact.bounced < coalesce(message.bounced_at, 'infinity')
        OR fact.opened < coalesce(message.opened_at, 'infinity')
        OR fact.replied < coalesce(message.replied_at, 'infinity')
        OR fact.complained < coalesce(message.complained_at, 'infinity')
        OR fact.unsubscribed < coalesce(message.unsubscribed_at, 'infinity'))
"""

_APPLIED = """
UPDATE delivery_providerevent AS event SET applied_at = %(wall_now)s
FROM unnest(%(ids)s::bigint[], %(received)s::timestamptz[]) AS taken(id, received_at)
WHERE event.id = taken.id AND event.received_at = taken.received_at
"""

# What can change the grade of a click: another click, or a delivery that turns out to be just before it.
_GRADED = frozenset({EventType.CLICKED.value, EventType.DELIVERED.value})

_NEIGHBOURS = """
SELECT id, received_at, message, type, at, url, grade FROM delivery_providerevent
WHERE message = ANY(%(uuids)s) AND type IN ('CLICKED', 'DELIVERED')
"""

_REGRADE = """
UPDATE delivery_providerevent AS event SET grade = said.grade
FROM unnest(%(ids)s::bigint[], %(received)s::timestamptz[], %(grades)s::text[]) AS said(id, received_at, grade)
WHERE event.id = said.id AND event.received_at = said.received_at
"""

# A click whose report is no longer kept stands: what is left may tell of an earlier one, and of nothing else.
_CLICKED = """
UPDATE delivery_message AS message SET clicked_at = fact.clicked_at
FROM (
    SELECT said.uuid, CASE WHEN held.clicked_at IS NULL OR EXISTS (
            SELECT FROM delivery_providerevent event
            WHERE event.message = held.uuid AND event.type = 'CLICKED' AND event.at = held.clicked_at
        ) THEN said.clicked_at ELSE LEAST(held.clicked_at, said.clicked_at) END AS clicked_at
    FROM unnest(%(uuids)s::uuid[], %(clicked)s::timestamptz[]) AS said(uuid, clicked_at)
    JOIN delivery_message held ON held.uuid = said.uuid
) AS fact
WHERE message.uuid = fact.uuid AND message.clicked_at IS DISTINCT FROM fact.clicked_at
"""

_HUMAN_HITS = """
UPDATE delivery_trackedlink AS link
SET human_hits = CASE WHEN counted.is_whole THEN counted.hits ELSE GREATEST(link.human_hits, counted.hits) END
FROM (
    SELECT link.id, count(event.id) AS hits, bool_and(message.clicked_at IS NULL OR EXISTS (
        SELECT FROM delivery_providerevent first
        WHERE first.message = message.uuid AND first.type = 'CLICKED' AND first.at = message.clicked_at
    )) AS is_whole
    FROM delivery_trackedlink link
    JOIN delivery_message message ON message.id = link.message_id
    LEFT JOIN delivery_providerevent event
        ON event.message = message.uuid AND event.provider = 'crescendo' AND event.type = 'CLICKED'
        AND event.grade = 'HUMAN' AND event.url = link.target
    WHERE message.uuid = ANY(%(uuids)s)
    GROUP BY link.id
) AS counted
WHERE link.id = counted.id AND link.human_hits <> counted.hits AND (counted.is_whole OR link.human_hits < counted.hits)
"""


@dataclass(slots=True)
class _Neighbours:
    clicks: list[grading.Click] = field(default_factory=list)
    delivered: list[datetime] = field(default_factory=list)


def _grade(uuids: Iterable[UUID]) -> None:
    """Judge the clicks of these messages anew, from everything that is known about each message."""
    wanted = sorted(set(uuids))
    if not wanted:
        return
    found: dict[UUID, _Neighbours] = defaultdict(_Neighbours)
    received: dict[int, datetime] = {}
    before: dict[int, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(_NEIGHBOURS, {"uuids": wanted})
        for event_id, received_at, message, kind, at, url, grade in cursor.fetchall():
            if kind == EventType.DELIVERED:
                found[message].delivered.append(at)
                continue
            found[message].clicks.append(grading.Click(id=event_id, at=at, url=url, grade=Grade(grade)))
            received[event_id], before[event_id] = received_at, grade
        cursor.execute(_WAYS, {"uuids": wanted})
        ways = {uuid: (channel, accepted_at) for uuid, channel, accepted_at in cursor.fetchall()}
        grades: dict[int, Grade] = {}
        clicked: dict[UUID, datetime | None] = {}
        for message, near in found.items():
            channel, accepted_at = ways.get(message, ("email", None))
            way = grading.Way(channel in _LOOKED_THROUGH, accepted_at, near.delivered)
            own = grading.grade_clicks(clicks=near.clicks, way=way)
            grades |= own
            human = [click.at for click in near.clicks if own[click.id] == Grade.HUMAN]
            if near.clicks:
                clicked[message] = min(human) if human else None
        changed = [event_id for event_id, grade in grades.items() if grade != before[event_id]]
        if changed:
            said: dict[str, Any] = {"ids": changed, "received": [received[one] for one in changed]}
            cursor.execute(_REGRADE, said | {"grades": [grades[one].value for one in changed]})
        if clicked:
            cursor.execute(_CLICKED, {"uuids": list(clicked), "clicked": list(clicked.values())})
            cursor.execute(_HUMAN_HITS, {"uuids": list(clicked)})


def mark_seen(keys: Sequence[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Which of these (provider, key) were never seen before, in key order. One in another open transaction is
    waited for."""
    if not keys:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {"providers": [one for one, _ in keys], "keys": [key for _, key in keys]})
        return {(provider, bytes(key)) for provider, key in cursor.fetchall()}


def _insert(rows: Sequence[dict[str, Any]], wall_now: datetime) -> None:
    if not rows:
        return
    params: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    with connection.cursor() as cursor:
        cursor.execute(_STORE, {"received_at": wall_now, **params})


def _unreadable_row(provider: str, one: Unreadable, wall_now: datetime) -> dict[str, Any]:
    return {
        "provider": provider,
        "key": one.key,
        "type": EventType.UNKNOWN.value,
        "grade": Grade.UNKNOWN.value,
        "at": wall_now,
        "message": None,
        "attempt": None,
        "address_hash": None,
        "reason": one.reason,
        "url": "",
        "applied_at": wall_now,
    }


def unreadable_key(raw: bytes) -> bytes:
    return sha256(b"unreadable\x00" + raw).digest()[:16]


def _reason(event: DeliveryEvent) -> ContactPoint.Reason | None:
    if event.reject is not None:
        return REJECTS[event.reject]
    if event.type == EventType.DROPPED:
        said = event.reason.strip().lower()
        if said == _NO_ADDRESS:
            return ContactPoint.Reason.BOUNCED
        return next((reason for words, reason in _DROPPED if words in said), None)
    return _REASONS.get(event.type)


def _opt_out(events: Sequence[DeliveryEvent], now: datetime) -> int:
    """Act on the address a report names, in every spelling, and on the address its message went to."""
    wanted = _points_of(events)
    opt_out.lock_reached(
        point_ids=[point_id for _, point_id in wanted],
        everywhere=[point_id for event, point_id in wanted if _reason(event) == ContactPoint.Reason.COMPLAINED],
    )
    for event, point_id in wanted:
        reason = _reason(event)
        assert reason is not None, "Only reports that mean a no are asked for here."
        opt_out.opt_out(
            point_id=point_id,
            reason=reason,
            source=f"{event.provider}:{event.code or event.type.value.lower()}",
            evidence=_evidence(event),
            at=event.at,
            now=now,
            all_channels=reason == ContactPoint.Reason.COMPLAINED,
            dedupe_key=f"{event.provider}:{event.key.hex()}",
        )
    return len({event.key for event, _ in wanted})


def _evidence(event: DeliveryEvent) -> dict[str, str]:
    known = {"message": str(event.message_id) if event.message_id else "", "said": http.redact(event.reason)}
    return {name: value for name, value in known.items() if value}


def _points_of(events: Sequence[DeliveryEvent]) -> list[tuple[DeliveryEvent, int]]:
    """A provider may spell an address otherwise than the contact does, so that its hash is nobody's: the message that
    the report is about says where it went."""
    uuids = {event.message_id for event in events if event.message_id}
    by_message = {
        **dict(PastMessage.objects.filter(pk__in=uuids).values_list("uuid", "point_id")),
        **dict(Message.objects.filter(uuid__in=uuids).values_list("uuid", "point_id")),
    }
    found: list[tuple[DeliveryEvent, int]] = []
    # By address, so that of two requests making the same points neither waits for the other's second one.
    for event in sorted(events, key=lambda one: (one.address, one.key)):
        hashes = addresses.hashes_of(event.address) if event.address else ()
        named = [points.ensure_point_of_address(channel=event.channel, address_hash=value).pk for value in hashes]
        own = by_message.get(event.message_id) if event.message_id else None
        reached = dict.fromkeys([*named, *([own] if own is not None else [])])
        found += [(event, point_id) for point_id in reached]
    return found
