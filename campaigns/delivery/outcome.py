"""What came of a message, as rooms above delivery find out: kept on its row, where segments can ask about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

_CONVERTED = """
UPDATE delivery_message AS message SET converted_at = LEAST(message.converted_at, credited.at)
FROM (
    SELECT id, min(at) AS at FROM unnest(%s::bigint[], %s::timestamptz[]) AS given(id, at) GROUP BY id
) credited
WHERE message.id = credited.id
"""


def mark_converted(*, times: Sequence[tuple[int, datetime]]) -> int:
    """(message id, when the account converted), in the caller's transaction. The earliest time of each stands."""
    if not times:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_CONVERTED, [[message_id for message_id, _ in times], [at for _, at in times]])
        return int(cursor.rowcount)


def clear_converted(*, message_ids: Sequence[int]) -> int:
    """What is credited to them no longer counts as a success: its goal was changed."""
    if not message_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_message SET converted_at = NULL WHERE id = ANY(%s)", [list(message_ids)])
        return int(cursor.rowcount)
