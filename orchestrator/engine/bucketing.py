"""Stable salted hashing: which arm, which holdout, which random bucket. Nothing is drawn twice differently."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_BELOW_ONE = 1.0 - 2.0**-53


@dataclass(frozen=True, slots=True)
class Draw:
    """`arm` is None for the holdout; `x` in [0, 1) is the number that decided, worth storing as evidence."""

    arm: str | None
    x: float


def bucket(*, salt: str, key: str) -> float:
    """First 8 bytes of SHA-256(`salt:key`), big-endian, / 2**64: uniform in [0, 1).

    Anyone can recompute it from the salt shown on the experiment and the account's external id.
    """
    digest = hashlib.sha256(f"{salt}:{key}".encode()).digest()
    return min(int.from_bytes(digest[:8], "big") / 2.0**64, _BELOW_ONE)


def segment_bucket(*, name: str, external_id: str) -> float:
    """The percentage in [0, 100) that a segment's `bucket` condition compares."""
    return bucket(salt=f"bucket:{name}", key=external_id) * 100


def draw_arm(*, salt: str, key: str, holdout_percent: Decimal | int, weights: Sequence[tuple[str, int]]) -> Draw:
    """Holdout below `holdout_percent`; the rest of [0, 1) is shared out by weight, in the order given.

    A function of its arguments alone: changing the holdout or the weights of a running test moves accounts between
    arms, so the draw is stored once and the arguments are fixed at the start.
    """
    held = float(holdout_percent) / 100
    if not 0 <= held <= 1:
        raise ValueError(f"Holdout of {holdout_percent} % is not between 0 and 100.")
    if any(weight < 0 for _, weight in weights):
        raise ValueError("An arm's weight is negative.")
    total = sum(weight for _, weight in weights)
    if total == 0:
        raise ValueError("No arm has a weight above zero.")
    x = bucket(salt=salt, key=key)
    if x < held:
        return Draw(None, x)
    share = (x - held) / (1 - held)
    running = 0
    for arm, weight in weights:
        running += weight
        if share * total < running:
            return Draw(arm, x)
    last = [arm for arm, weight in weights if weight > 0][-1]
    return Draw(last, x)
