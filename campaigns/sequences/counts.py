"""What became of a batch of accounts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Accounts by outcome. `not_enrolled` is by reason."""

    enrolled: int = 0
    holdout: int = 0
    not_enrolled: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        self.enrolled += other.enrolled
        self.holdout += other.holdout
        self.not_enrolled.update(other.not_enrolled)
