"""Parked events go back among the pending ones once whom they wait for is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

BATCH = 5000

_READY = """
    SELECT p.id FROM intake_parked p,
           LATERAL (SELECT split_part(p.waiting_for, ':', 1) AS kind,
                           substr(p.waiting_for, strpos(p.waiting_for, ':') + 1) AS name) AS w
     WHERE CASE w.kind
           WHEN 'account' THEN EXISTS (SELECT FROM profiles_account a WHERE a.external_id = w.name)
                            OR EXISTS (SELECT FROM profiles_accountalias a WHERE a.value = w.name)
           WHEN 'contact' THEN EXISTS (SELECT FROM profiles_contact c WHERE c.external_id = w.name)
                            OR EXISTS (SELECT FROM profiles_contactalias c WHERE c.value = w.name)
           WHEN 'billing' THEN EXISTS (
                SELECT FROM profiles_accountalias a WHERE a.source = 'billing' AND a.value = w.name)
           WHEN 'plan' THEN EXISTS (SELECT FROM billing_plan b WHERE b.code = w.name)
           WHEN 'price' THEN EXISTS (SELECT FROM billing_planprice b WHERE b.billing_price_id = w.name)
                          OR EXISTS (SELECT FROM billing_subscription b WHERE b.billing_price_id = w.name)
           END
     ORDER BY p.id LIMIT %s FOR UPDATE OF p SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Replayed:
    """`events` go through processing again; `is_all` false: there may be more that are ready."""

    events: int
    is_all: bool


def replay_parked(*, now: datetime, limit: int = BATCH) -> Replayed:
    """Ring `usage_stored` afterwards. An event whose stored row is gone meanwhile is stored anew."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_READY, [limit])
        ready = [row[0] for row in cursor.fetchall()]
        if not ready:
            return Replayed(events=0, is_all=True)
        cursor.execute(
            "WITH freed AS (DELETE FROM intake_parked WHERE id = ANY(%s) RETURNING *),"
            " woken AS (UPDATE intake_inboundevent e SET state = 'PENDING' FROM freed"
            "   WHERE e.id = freed.inbound_id AND e.received_at = freed.received_at AND e.state = 'PARKED'"
            "   RETURNING freed.id)"
            " INSERT INTO intake_inboundevent (received_at, source_id, kind, message_id, payload, at, state)"
            " SELECT received_at, source_id, kind, message_id, payload, at, 'PENDING' FROM freed"
            "  WHERE id NOT IN (SELECT id FROM woken)",
            [ready],
        )
    return Replayed(events=len(ready), is_all=len(ready) < limit)
