"""Store what came, once. One statement per request tells new events from those that came before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import DataError, connection, transaction

from campaigns.intake.models import Source
from campaigns.intake.moments import Receipt

SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewItem:
    """`payload` is JSON text; `at` the corrected business time of the event."""

    kind: str
    message_id: str
    payload: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BadItem:
    """An item that cannot be used, with the reason in words."""

    kind: str
    message_id: str
    payload: str
    error: str


@dataclass(frozen=True, slots=True)
class Stored:
    stored: int
    duplicates: int
    quarantined: int


# Keys are inserted in their order: two requests with the same events wait for each other in line, never in a circle.
_FRESH = """
    WITH given AS (
        SELECT DISTINCT ON (key) *
          FROM unnest(%(keys)s::bytea[], %(kinds)s::text[], %(ids)s::text[], %(payloads)s::text[], {more})
               WITH ORDINALITY AS t(key, kind, message_id, payload, more, ordinal)
         ORDER BY key, ordinal
    ), fresh AS (
        INSERT INTO intake_seenevent (source_id, key) SELECT %(source)s, key FROM given ORDER BY key
        ON CONFLICT DO NOTHING RETURNING key
    )
    INSERT INTO {table} (received_at, source_id, kind, message_id, payload, {columns})
    SELECT %(received)s, %(source)s, kind, message_id, payload::jsonb, {values}
      FROM given JOIN fresh USING (key) ORDER BY ordinal
"""
_STORE = _FRESH.format(
    table="intake_inboundevent", more="%(more)s::timestamptz[]", columns="at, state", values="more, 'PENDING'"
)
_QUARANTINE = _FRESH.format(table="intake_quarantined", more="%(more)s::text[]", columns="error", values="more")


def store_items(*, source: Source, items: Sequence[NewItem], bad: Sequence[BadItem], receipt: Receipt) -> Stored:
    """Store new items as PENDING and bad ones as quarantined, in one transaction; safe to repeat.

    Ring `usage_stored` afterwards. A replayed id changes nothing: the first event of an id stands.
    """
    try:
        return _store(source, items, bad, receipt)
    except DataError:
        return _store_one_by_one(source, items, bad, receipt)


def _store(source: Source, items: Sequence[NewItem], bad: Sequence[BadItem], receipt: Receipt) -> Stored:
    with transaction.atomic():
        stored = _insert(_STORE, source, items, receipt, [item.at for item in items])
        quarantined = _insert(_QUARANTINE, source, bad, receipt, [item.error for item in bad])
        duplicates = len(items) + len(bad) - stored - quarantined
        _note(source, duplicates, receipt)
    return Stored(stored=stored, duplicates=duplicates, quarantined=quarantined)


def _store_one_by_one(source: Source, items: Sequence[NewItem], bad: Sequence[BadItem], receipt: Receipt) -> Stored:
    """PostgreSQL cannot keep one of the values (a number beyond jsonb's, say): find out whose it is."""
    results = [_store(source, [], bad, receipt)]
    for item in items:
        try:
            results.append(_store(source, [item], [], receipt))
        except DataError:
            reason = "The item holds a value that cannot be stored."
            results.append(_store(source, [], [BadItem(item.kind, item.message_id[:200], "{}", reason)], receipt))
    return Stored(
        stored=sum(one.stored for one in results),
        duplicates=sum(one.duplicates for one in results),
        quarantined=sum(one.quarantined for one in results),
    )


def _insert(
    statement: str,
    source: Source,
    items: Sequence[NewItem] | Sequence[BadItem],
    receipt: Receipt,
    more: Sequence[Any],
) -> int:
    if not items:
        return 0
    parameters: dict[str, Any] = {
        "keys": [_key(item) for item in items],
        "kinds": [item.kind for item in items],
        "ids": [item.message_id[:200] for item in items],
        "payloads": [item.payload for item in items],
        "more": list(more),
        "source": source.pk,
        "received": receipt.wall,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _key(item: NewItem | BadItem) -> bytes:
    """A bad item is known by its content: mended and sent again under its old id it is a new event."""
    text = item.message_id if isinstance(item, NewItem) else f"quarantined:{item.kind}:{item.message_id}:{item.payload}"
    return sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _note(source: Source, duplicates: int, receipt: Receipt) -> None:
    """The source's row is everybody's: it is written when there is something to say, and last."""
    is_stale = source.last_seen_at is None or receipt.wall - source.last_seen_at >= SEEN_EVERY
    if not duplicates and not is_stale:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE intake_source SET duplicates = duplicates + %s, last_seen_at = GREATEST(last_seen_at, %s)"
            " WHERE id = %s",
            [duplicates, receipt.wall, source.pk],
        )
