"""Take away a campaign's old messages, so that every figure of it stays: their runs say what they came to."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from campaigns.delivery import prune
from campaigns.operations import retention
from campaigns.operations.retention import Look, Taken

READER_OF_CHANGES = "sequences.gates"

_WINDOW = "SELECT id, at < %(before)s FROM sequences_steprun WHERE id > %(after)s ORDER BY id LIMIT %(size)s"

_UNHOOK = """
WITH old AS MATERIALIZED (
    SELECT run.id AS run_id, message.* FROM sequences_steprun run
    JOIN sequences_enrolment enrolment ON enrolment.id = run.enrolment_id
    JOIN delivery_message message ON message.id = run.message_id
    WHERE run.id = ANY(%(ids)s) AND enrolment.state = 'ENDED' AND enrolment.ended_at < %(before)s AND {removable}
    ORDER BY message.id FOR UPDATE OF message, run SKIP LOCKED
)
UPDATE sequences_steprun run SET message_id = NULL, past = jsonb_build_object(
    'channel', old.channel, 'variant', old.variant, 'state', old.state, 'reason', old.reason,
    'facts', to_jsonb(array_remove(ARRAY[
        CASE WHEN old.accepted_at IS NOT NULL THEN 'sent' END,
        CASE WHEN old.delivered_at IS NOT NULL THEN 'delivered' END,
        CASE WHEN old.clicked_at IS NOT NULL THEN 'clicked' END,
        CASE WHEN old.bounced_at IS NOT NULL THEN 'bounced' END,
        CASE WHEN old.unsubscribed_at IS NOT NULL OR old.complained_at IS NOT NULL THEN 'opted_out' END
    ], NULL)))
FROM old WHERE run.id = old.run_id
RETURNING old.id
"""

# What the reader of these rows has read. A reader that never ran has read nothing.
_CHANGES = """
DELETE FROM profiles_accountchange WHERE id = ANY(ARRAY(
    SELECT id FROM profiles_accountchange
    WHERE at < %(before)s AND xid < (SELECT xid::text::xid8 FROM operations_pullcursor WHERE name = %(reader)s)
    ORDER BY xid, id LIMIT %(size)s FOR UPDATE SKIP LOCKED
))
"""


def remove_messages(*, now: datetime, most: int = retention.MOST_BATCHES) -> Taken:
    """Messages of enrolments that ended, both long enough ago. The enrolment and its steps stay."""
    before = retention.cut_off(period="messages", now=now)
    if before is None:
        return retention.NOTHING
    return retention.walk(name="sequences.messages", look=lambda after: _look(after, before), most=most)


def remove_changes(*, now: datetime, most: int = retention.MOST_BATCHES) -> Taken:
    """Notes that an account changed, once they were read."""
    before = retention.cut_off(period="runs", now=now)
    if before is None:
        return retention.NOTHING
    return retention.delete(statement=_CHANGES, params={"before": before, "reader": READER_OF_CHANGES}, most=most)


def _look(after: int, before: datetime) -> Look:
    with connection.cursor() as cursor:
        cursor.execute(_WINDOW, {"after": after, "before": before, "size": retention.BATCH})
        rows = cursor.fetchall()
        old = [run_id for run_id, is_old in rows if is_old]
        if not old:
            return Look(0, None)
        statement = _UNHOOK.format(removable=prune.removable(besides=["sequences_steprun"]))
        cursor.execute(statement, {"ids": old, "before": before})
        gone = [message_id for (message_id,) in cursor.fetchall()]
    return Look(prune.remove(message_ids=gone), rows[-1][0] if len(rows) == retention.BATCH else None)
