"""The shares into which a campaign's enrolling is cut, so that two workers take in one audience at a time.

An account's stays are all of one share, and a share has one reader at a time: no account is judged twice at once. What
can still be met from both sides is a person who belongs to accounts of two shares; the database lets one batch in, and
the other is done again (`despite_each_other`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, OperationalError
from django.db.models import BigIntegerField, QuerySet
from django.db.models.functions import Coalesce, Mod

from campaigns.operations import pulling
from campaigns.operations.models import PullCursor
from campaigns.segments.models import Segment, SegmentMembership

SHARES = range(2)
_TRIES = 3
# unique_violation, deadlock_detected
_EACH_OTHER = frozenset({"23505", "40P01"})


def stays_of(*, segment: Segment | None, share: int) -> QuerySet[SegmentMembership]:
    """A contact's stays are all of the first: whose account they are of is not said in the row."""
    rows = SegmentMembership.objects.filter(segment=segment)
    return rows.alias(share=Coalesce(Mod("account_id", len(SHARES), output_field=BigIntegerField()), 0)).filter(
        share=share
    )


def lock_all(*, slug: str) -> list[PullCursor]:
    """Nobody enrols into the campaign until the transaction ends; what had begun has ended."""
    return [lock_share(slug=slug, share=share) for share in SHARES]


def lock_share(*, slug: str, share: int) -> PullCursor:
    return pulling.lock_cursor(name=_name(slug, share))


def take_share(*, slug: str, share: int) -> PullCursor | None:
    """None while somebody else has it."""
    return pulling.take_cursor(name=_name(slug, share))


def despite_each_other[Result](batch: Callable[[], Result]) -> Result:
    """`batch` is a transaction; where a batch of another share stored the same person first, it sees them the next
    time."""
    for _ in range(_TRIES - 1):
        try:
            return batch()
        except (IntegrityError, OperationalError) as error:
            if _state_of(error) not in _EACH_OTHER:
                raise
    return batch()


def _state_of(error: Exception) -> Any:
    return getattr(error.__cause__, "sqlstate", None)


def _name(slug: str, share: int) -> str:
    return f"enrol:{slug}:{share}" if share else f"enrol:{slug}"
