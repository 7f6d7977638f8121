"""Read a table that others append to, losing nothing.

Ids and times are given out before commit: a reader that remembers "the last id I saw" skips
rows whose transaction was slower. So pulled tables carry the id of the transaction that wrote
the row, and a pull reads only rows of transactions older than every one still open.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from campaigns.operations.models import PullCursor

Row = TypeVar("Row", bound=Model)


def lock_cursor(*, name: str) -> PullCursor:
    """The reader's own row, locked until the transaction ends: one reader of a name at a time."""
    assert transaction.get_connection().in_atomic_block, "A pull and its effects are one transaction."
    PullCursor.objects.get_or_create(name=name)
    return PullCursor.objects.select_for_update().get(name=name)


def take_cursor(*, name: str) -> PullCursor | None:
    """The same without waiting: None while another reader has it."""
    assert transaction.get_connection().in_atomic_block, "A pull and its effects are one transaction."
    PullCursor.objects.get_or_create(name=name)
    return PullCursor.objects.select_for_update(skip_locked=True).filter(name=name).first()


def rows_after(*, rows: QuerySet[Any], cursor: PullCursor, limit: int) -> list[Any]:
    """The next rows in (xid, id) order, none of which an open transaction could still precede."""
    settled = RawSQL("pg_snapshot_xmin(pg_current_snapshot())", ())
    after = Q(xid__gt=cursor.xid) | Q(xid=cursor.xid, pk__gt=cursor.row_id)
    return list(rows.filter(after, xid__lt=settled).order_by("xid", "pk")[:limit])


def restart_cursor(*, cursor: PullCursor) -> None:
    """Read everything again, for readers to whom what they know does no harm."""
    cursor.xid, cursor.row_id = 0, 0
    cursor.save(update_fields=["xid", "row_id"])


def advance_cursor(*, cursor: PullCursor, rows: list[Any]) -> None:
    """Call once the rows' effects are written, in the same transaction."""
    if not rows:
        return
    cursor.xid, cursor.row_id = rows[-1].xid, rows[-1].pk
    cursor.save(update_fields=["xid", "row_id"])
