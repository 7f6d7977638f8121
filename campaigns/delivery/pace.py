"""How fast a sender may send: one token bucket per sender, a row that all workers take from.

A bucket is one instant, `free_at`: when everything taken so far is paid for at the sender's rate. What is left is the
time since then, at most one burst of it. A message larger than the whole bucket goes when the bucket is full, and the
rest is owed; so in any stretch of time no more goes than its rate allows and one burst or one such message.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from campaigns.delivery.models import SendRate
from campaigns.operations.models import AuditEntry

BURST = timedelta(seconds=1)

_ENSURE = """
INSERT INTO delivery_sendrate (sender, free_at) VALUES (%(sender)s, %(full)s) ON CONFLICT (sender) DO NOTHING
"""
_READ = "SELECT free_at FROM delivery_sendrate WHERE sender = %(sender)s"
_LOCK = _READ + " FOR UPDATE"
_TAKE = "UPDATE delivery_sendrate SET free_at = %(free_at)s WHERE sender = %(sender)s"


def rate_of(*, sender: str, configured: float) -> float:
    """Units a second that the sender may send now: what a person set in the studio, else what is configured; 0 for no
    limit."""
    said = SendRate.objects.filter(sender=sender).values_list("per_s", flat=True).first()
    return configured if said is None else float(said)


def set_rate(*, sender: str, per_s: int | None, by: str, now: datetime, wall_now: datetime) -> None:
    """For all workers, from their next drain on; None goes back to what is configured. Audited."""
    with transaction.atomic():
        row, _ = SendRate.objects.select_for_update().get_or_create(
            sender=sender, defaults={"free_at": wall_now - BURST}
        )
        if row.per_s == per_s:
            return
        AuditEntry.objects.create(
            at=now,
            actor=by,
            action="rate.set",
            subject=f"sender:{sender}"[:200],
            before={"per_s": row.per_s},
            after={"per_s": per_s},
        )
        SendRate.objects.filter(pk=row.pk).update(per_s=per_s)


def room(*, sender: str, per_s: float, wall_now: datetime) -> float:
    """How many units are in the bucket now; below zero while more is owed than came in."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"sender": sender})
        row = cursor.fetchone()
    return _size(per_s) if row is None else _left(row[0], per_s, wall_now)


def take(*, sender: str, per_s: float, units: Sequence[int], wall_now: datetime) -> int:
    """Take what these cost in their order; returns how many of them may go. Committed when it returns."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(_LOCK, {"sender": sender})
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_ENSURE, {"sender": sender, "full": wall_now - burst_of(per_s)})
            cursor.execute(_LOCK, {"sender": sender})
            row = cursor.fetchone()
        assert row is not None, "The row was made above, and none is ever taken away."
        count, cost = fitting(units=units, left=_left(row[0], per_s, wall_now), size=_size(per_s))
        if count:
            begin = max(row[0], wall_now - burst_of(per_s))
            cursor.execute(_TAKE, {"sender": sender, "free_at": begin + timedelta(seconds=cost / per_s)})
    return count


def fitting(*, units: Sequence[int], left: float, size: float) -> tuple[int, int]:
    """How many of these fit into what is left, in their order, and what they cost together."""
    count = cost = 0
    for one in units:
        # Times are kept to the microsecond: a hair's breadth is no unit.
        fits = cost + one <= left + 1e-3
        is_oversized = one > size and not count and left >= size - 1e-3
        if not (fits or is_oversized):
            break
        count, cost = count + 1, cost + one
    return count, cost


def burst_of(per_s: float) -> timedelta:
    """The time that fills the bucket: a second, longer where one unit takes longer."""
    return max(BURST, timedelta(seconds=1 / per_s))


def _size(per_s: float) -> float:
    return per_s * burst_of(per_s).total_seconds()


def _left(free_at: datetime, per_s: float, wall_now: datetime) -> float:
    return (wall_now - max(free_at, wall_now - burst_of(per_s))).total_seconds() * per_s
