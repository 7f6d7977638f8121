"""Proof that a message left: a provider's report that names it, or an answer we did get."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

# Any report about a message proves that the provider has it: also a bounce or a drop.
PROOF_SQL = """(
    EXISTS (
        SELECT 1 FROM delivery_providerevent event
        WHERE event.message = {message}.uuid AND event.type <> 'UNKNOWN'
    )
    OR EXISTS (
        SELECT 1 FROM delivery_deliveryattempt attempt
        WHERE attempt.message_id = {message}.id AND attempt.outcome = 'ACCEPTED'
    )
)"""

_PROVEN = f"""
SELECT message.id FROM delivery_message message
WHERE message.id = ANY(%(ids)s) AND {PROOF_SQL.format(message="message")}
"""  # noqa: S608  (the alias is a constant)


def proven_ids(*, message_ids: Sequence[int]) -> set[int]:
    """Those of these that certainly left, by any of their attempts."""
    if not message_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_PROVEN, {"ids": list(message_ids)})
        return {row[0] for row in cursor.fetchall()}
