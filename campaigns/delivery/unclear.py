"""Messages of which nobody knows whether they arrived (UNDETERMINED): a person says what becomes of them.

To send one again is another attempt of the same row: its key stays the only one, its attempts count on and fence as
ever, its own part of the attention budget is free, and everything that holds at a send is asked once more. Evidence
that comes before it goes still makes it ACCEPTED (`begin`): an earlier attempt is proven then.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from campaigns.delivery.models import Message
from campaigns.operations import arrays

# What was offered so long ago is not offered again: its figures and its texts are of another time.
LATEST = timedelta(days=30)

# As late as it was allowed to be at first, from now on. Whose account changed since would only be skipped, and what is
# planned anew then would not see the evidence of this one.
_SEND_AGAIN = """
UPDATE delivery_message
SET state = 'PLANNED', reason = '', due_at = %(now)s, next_at = NULL, ended_at = NULL,
    send_by = %(now)s + GREATEST(send_by - planned_at, interval '1 hour'),
    decided_at = %(now)s, decided_by = %(by)s
WHERE id IN (
    SELECT message.id FROM delivery_message message
    JOIN delivery_sendgate gate ON gate.id = message.gate_id
    LEFT JOIN profiles_account account ON account.id = message.account_id
    WHERE message.id = ANY(%(ids)s::bigint[]) AND message.state = 'UNDETERMINED' AND message.taken_back = ''
        AND (message.decided_at IS NULL OR message.decided_at < message.ended_at)
        AND message.ended_at > %(earliest)s AND gate.state <> 'STOPPED'
        AND (account.id IS NULL OR message.purpose <> 'MARKETING' OR account.revision = message.account_revision)
    ORDER BY message.id FOR NO KEY UPDATE OF message
)
RETURNING id
"""


def find_unclear(*, gate_id: int) -> QuerySet[Message]:
    """Those of a campaign about which nobody has decided yet. What was sent again and is unclear once more is asked
    about anew."""
    return _undecided().filter(gate_id=gate_id)


def count_unclear(*, gate_ids: Collection[int]) -> dict[int, int]:
    """By gate, of those that have any."""
    rows = _undecided().filter(gate_id__in=gate_ids)
    return dict(rows.order_by().values_list("gate_id").annotate(n=Count("pk")))


def find_all_unclear() -> QuerySet[Message]:
    """Whatever they belong to."""
    return _undecided()


def send_again(*, message_ids: Collection[int], by: str, now: datetime) -> list[int]:
    """The ids of those that go again, in the caller's transaction; the others are settled, too old, or about figures
    that are no longer true."""
    with connection.cursor() as cursor:
        params: dict[str, Any] = {
            "ids": arrays.numbers(message_ids),
            "by": by[:150],
            "now": now,
            "earliest": now - LATEST,
        }
        cursor.execute(_SEND_AGAIN, params)
        return [row[0] for row in cursor.fetchall()]


def leave(*, gate_id: int, by: str, now: datetime) -> int:
    """They stay as they are, and ask nobody any more. A late report still settles them."""
    return find_unclear(gate_id=gate_id).update(decided_at=now, decided_by=by[:150])


def _undecided() -> QuerySet[Message]:
    rows = Message.objects.counted().filter(state=Message.State.UNDETERMINED)
    return rows.filter(Q(decided_at__isnull=True) | Q(decided_at__lt=F("ended_at")))
