"""Take away what the ledger is not asked for any more: first what a message said, much later the message.

What is open, and what another room still points at (a step's run, a credit), stays. `before` is business time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from campaigns.delivery.models import Message
from campaigns.operations import arrays, partitions, retention
from campaigns.operations.retention import Look, Taken

EVENTS = "delivery_providerevent"
_UNAPPLIED = "applied_at IS NULL"
_ASKED_AT_MOST = 3653

_WINDOW = """
SELECT id, planned_at < %(before)s FROM delivery_message WHERE id > %(after)s ORDER BY id LIMIT %(size)s
"""

# Nothing happens to `message` by itself any more, and nothing has since.
OVER_SQL = f"""(
    message.state <> ALL('{arrays.words(state.value for state in Message.OPEN)}'::text[])
    AND coalesce(message.ended_at, message.accepted_at) < %(before)s
    AND NOT EXISTS (
        SELECT FROM delivery_inappmessage banner
        WHERE banner.message_id = message.id AND banner.expires_at >= %(before)s
    )
    AND NOT EXISTS (SELECT FROM delivery_csmtask task WHERE task.message_id = message.id AND task.state = 'OPEN')
)"""  # noqa: S608  (the parts are constants)

_NO_CALL = "NOT EXISTS (SELECT FROM delivery_csmtask task WHERE task.message_id = message.id)"

_LOCK_OVER = f"""
SELECT message.id FROM delivery_message message WHERE message.id = ANY(%(ids)s) AND {OVER_SQL}
ORDER BY message.id FOR NO KEY UPDATE OF message SKIP LOCKED
"""  # noqa: S608  (the parts are constants)

_EMPTY = (
    "UPDATE delivery_message SET context = '{}' WHERE id = ANY(%(ids)s) AND context <> '{}' RETURNING id",
    "UPDATE delivery_inappmessage SET html = '' WHERE message_id = ANY(%(ids)s) AND html <> '' RETURNING message_id",
    "DELETE FROM delivery_deliveryattempt WHERE message_id = ANY(%(ids)s) RETURNING message_id",
)

# What an address may still bring back: a link in the mail, a report about it.
_REMEMBER = """
INSERT INTO delivery_pastmessage (uuid, gate_id, contact_id, point_id, channel, locale, purpose, origin_campaign)
SELECT uuid, gate_id, contact_id, point_id, channel, locale, purpose, origin_campaign FROM delivery_message
WHERE id = ANY(%(ids)s) AND purpose <> 'TEST' AND channel IN ('email', 'sms')
    AND (accepted_at IS NOT NULL OR state = 'UNDETERMINED')
"""

_REMOVE = (
    _REMEMBER,
    "UPDATE delivery_message SET lost_to_id = NULL WHERE lost_to_id = ANY(%(ids)s)",
    "DELETE FROM delivery_trackedlink WHERE message_id = ANY(%(ids)s)",
    "DELETE FROM delivery_inappmessage WHERE message_id = ANY(%(ids)s)",
    "DELETE FROM delivery_deliveryattempt WHERE message_id = ANY(%(ids)s)",
    "DELETE FROM delivery_message WHERE id = ANY(%(ids)s)",
)


def messages_days() -> int:
    """How far back messages can be asked about."""
    return settings.RETENTION_DAYS["messages"] or _ASKED_AT_MOST


def empty_details(*, now: datetime, most: int = retention.MOST_BATCHES) -> Taken:
    """What messages were filled in with, the wording of banners, and the single tries. That a message was sent, to
    whom, when and what came of it stays."""
    before = retention.cut_off(period="details", now=now)
    return _walk("details", before, lambda ids, at: len(_empty(ids, at)), most)


def remove_messages(*, now: datetime, most: int = retention.MOST_BATCHES) -> Taken:
    """Those that no other room points at: test sends, confirmations. A campaign's are `campaigns.sequences.prune`'s."""
    before = retention.cut_off(period="messages", now=now)
    return _walk("messages", before, lambda ids, at: remove(message_ids=_unclaimed(ids, at)), most)


def remove_reports(*, now: datetime, wall_now: datetime) -> Taken:
    """Whole months of providers' reports. Their keys are kept: a report that comes again is known, and changes
    nothing. A month in which something is still to be applied stays."""
    before = retention.cut_off(period="reports", now=wall_now)
    if before is None:
        return retention.NOTHING
    partitions.drop_months(table=EVENTS, before=before, now=wall_now, unless=_UNAPPLIED)
    return partitions.clear_default(table=EVENTS, before=before, unless=_UNAPPLIED)


def removable(*, besides: Collection[str] = ()) -> str:
    """SQL: `message` is over and not pointed at by a table of another room, those `besides` aside. A call by a
    colleague stays: it is told with its message."""
    pointing = [
        f"NOT EXISTS (SELECT FROM {one.related_model._meta.db_table} other WHERE other.{one.field.column} = message.id)"
        for one in Message._meta.related_objects
        if one.related_model._meta.app_label != "delivery" and one.related_model._meta.db_table not in besides
    ]
    return " AND ".join([OVER_SQL, "message.channel <> 'csm_task'", _NO_CALL, *pointing])


def remove(*, message_ids: Sequence[int]) -> int:
    """In the transaction of the caller, who has locked them (`removable`) and unhooked its own rows."""
    if message_ids:
        with connection.cursor() as cursor:
            for statement in _REMOVE:
                cursor.execute(statement, {"ids": list(message_ids)})
    return len(message_ids)


def _walk(name: str, before: datetime | None, act: Callable[[list[int], datetime], int], most: int) -> Taken:
    if before is None:
        return retention.NOTHING
    return retention.walk(name=f"delivery.{name}", look=lambda after: _look(after, before, act), most=most)


def _look(after: int, before: datetime, act: Callable[[list[int], datetime], int]) -> Look:
    with connection.cursor() as cursor:
        cursor.execute(_WINDOW, {"after": after, "before": before, "size": retention.BATCH})
        rows = cursor.fetchall()
    old = [message_id for message_id, is_old in rows if is_old]
    taken = act(old, before) if old else 0
    return Look(taken, rows[-1][0] if old and len(rows) == retention.BATCH else None)


def _empty(ids: list[int], before: datetime) -> set[int]:
    changed: set[int] = set()
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_OVER, {"ids": ids, "before": before})
        over: dict[str, Any] = {"ids": [row[0] for row in cursor.fetchall()]}
        for statement in _EMPTY:
            cursor.execute(statement, over)
            changed.update(row[0] for row in cursor.fetchall())
    return changed


def _unclaimed(ids: list[int], before: datetime) -> list[int]:
    statement = (
        f"SELECT message.id FROM delivery_message message WHERE message.id = ANY(%(ids)s) AND {removable()}"  # noqa: S608
        " ORDER BY message.id FOR UPDATE OF message SKIP LOCKED"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": ids, "before": before})
        return [row[0] for row in cursor.fetchall()]
