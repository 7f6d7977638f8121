"""Proof that a message left: a provider's report that names it or another of the same request, or an answer we did get.

A provider takes a request as a whole or not at all. So a report about one of its messages, of the very attempt that
was in the request, proves that all of them were taken.
"""

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

# `proven (message_id)`: the messages of `asked (id)` whose request is proven. Asked once for each request, not for each
# of its messages: a request has up to a thousand.
REQUESTS_SQL = """
requests AS MATERIALIZED (
    SELECT DISTINCT attempt.request FROM asked
    JOIN delivery_deliveryattempt attempt ON attempt.message_id = asked.id
    WHERE attempt.request IS NOT NULL
), taken AS MATERIALIZED (
    SELECT request FROM requests
    WHERE EXISTS (
        SELECT 1 FROM delivery_deliveryattempt attempt
        JOIN delivery_message sibling ON sibling.id = attempt.message_id
        JOIN delivery_providerevent event ON event.message = sibling.uuid AND event.attempt = attempt.number
        WHERE attempt.request = requests.request AND event.type <> 'UNKNOWN'
    ) OR EXISTS (
        SELECT 1 FROM delivery_deliveryattempt attempt
        WHERE attempt.request = requests.request AND attempt.outcome = 'ACCEPTED'
    )
), proven AS MATERIALIZED (
    SELECT attempt.message_id FROM taken
    JOIN delivery_deliveryattempt attempt ON attempt.request = taken.request AND attempt.outcome <> 'REFUSED'
)
"""

_PROVEN = f"""
WITH asked AS (SELECT unnest(%(ids)s::bigint[]) AS id), {REQUESTS_SQL}
SELECT message.id FROM delivery_message message
WHERE message.id = ANY(%(ids)s)
    AND ({PROOF_SQL.format(message="message")} OR message.id IN (SELECT message_id FROM proven))
"""  # noqa: S608  (the parts are constants)


def proven_ids(*, message_ids: Sequence[int]) -> set[int]:
    """Those of these that certainly left, by any of their attempts."""
    if not message_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_PROVEN, {"ids": list(message_ids)})
        return {row[0] for row in cursor.fetchall()}
