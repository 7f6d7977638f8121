"""Frequency caps over the times at which somebody was contacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `messages` in any rolling `days` x 24 hours."""

    days: int
    messages: int

    def __post_init__(self) -> None:
        if self.days < 1 or self.messages < 1:
            raise ValueError(f"A cap of {self.messages} messages in {self.days} days allows nothing: both must be ≥ 1.")


def earliest_allowed(*, sent_at: Sequence[datetime], caps: Sequence[Cap], now: datetime) -> datetime:
    """The first instant ≥ now at which one more message breaks no cap.

    A message counts during (sent, sent + days]; at exactly sent + days it counts no more.
    Messages already reserved for later than `now` belong into `sent_at` and count too.
    """
    newest_first = sorted(sent_at, reverse=True)
    allowed = now
    for cap in caps:
        if len(newest_first) >= cap.messages:
            allowed = max(allowed, newest_first[cap.messages - 1] + timedelta(days=cap.days))
    return allowed
