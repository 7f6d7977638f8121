"""When did it happen? A sender's clock may be wrong, ours may be ahead. Pure.

The sender says when the event happened (`timestamp`) and when the request left it (`sentAt`). How far its clock
is off shows in `sentAt` against the moment of receipt, and is taken off the timestamp:
corrected = received - (sentAt - timestamp). We have two clocks, and a sender runs on either: a
product on wall time, the demo and tests sometimes on business time. So `received` is read on the clock that is
nearer to `sentAt`; where the two do not differ, as in production, that is the plain rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

FUTURE = timedelta(minutes=5)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class NotAMomentError(ValueError):
    """A time stamp that cannot be read."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One moment on both clocks."""

    wall: datetime
    business: datetime


def correct(*, timestamp: datetime | None, sent_at: datetime | None, receipt: Receipt) -> datetime:
    """Business time of the event. What would be more than five minutes ahead of business now becomes now."""
    if timestamp is None:
        return receipt.business
    at = timestamp
    if sent_at is not None:
        received = min((receipt.wall, receipt.business), key=lambda clock: abs(clock - sent_at))
        try:
            at = timestamp + (received - sent_at)
        except OverflowError:
            # Such a clock says nothing about the event: the timestamp is taken as it is.
            at = timestamp
    if at > receipt.business + FUTURE:
        return receipt.business
    return max(at, _EARLIEST)


def read_moment(value: Any) -> datetime | None:
    """ISO 8601 (UTC unless it says), or None for a missing value. Raises NotAMomentError."""
    if value is None or value == "":
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        raise NotAMomentError("The time stamp is not ISO 8601.") from None
