"""Which messages get the credit for a conversion. Attribution tells a story; only the holdout proves anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class TouchPoint:
    """One message that reached the account. `human_clicked` leaves out scanners' clicks; opens never count."""

    message_id: str
    at: datetime
    human_clicked: bool = False


@dataclass(frozen=True, slots=True)
class Credit:
    message_id: str
    weight: Decimal


def last_touch(*, touches: Sequence[TouchPoint], converted_at: datetime, window: timedelta) -> str | None:
    """The newest message within the window before the conversion; clicked ones go before merely sent ones."""
    inside = _within(touches, converted_at, window)
    if not inside:
        return None
    return max(inside, key=lambda touch: (touch.human_clicked, touch.at, touch.message_id)).message_id


def credit(
    *, touches: Sequence[TouchPoint], converted_at: datetime, window: timedelta, model: str = "LAST_TOUCH"
) -> list[Credit]:
    """Credits that sum to exactly 1, or none when nothing lies in the window.

    LAST_TOUCH gives all to `last_touch`; LINEAR shares equally (six decimals, the remainder to the newest).
    """
    if model == "LAST_TOUCH":
        winner = last_touch(touches=touches, converted_at=converted_at, window=window)
        return [Credit(winner, Decimal(1))] if winner is not None else []
    if model != "LINEAR":
        raise ValueError(f"Attribution model {model!r} is neither LAST_TOUCH nor LINEAR.")
    inside = sorted(_within(touches, converted_at, window), key=lambda touch: (touch.at, touch.message_id))
    if not inside:
        return []
    share = (Decimal(1) / len(inside)).quantize(_STEP, rounding=ROUND_DOWN)
    credits = [Credit(touch.message_id, share) for touch in inside[:-1]]
    return [*credits, Credit(inside[-1].message_id, 1 - share * len(credits))]


def _within(touches: Sequence[TouchPoint], converted_at: datetime, window: timedelta) -> list[TouchPoint]:
    return [touch for touch in touches if converted_at - window <= touch.at <= converted_at]
