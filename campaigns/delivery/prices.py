"""Until when the price that a message names holds. The message says the day; after it, it would say an untruth."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from orchestrator.engine import pricing


def holds_until(*, context: Mapping[str, Any]) -> datetime | None:
    """None where it names no price, or one without an end."""
    offer = context.get("offer")
    day = offer.get("valid_until") if isinstance(offer, Mapping) else None
    return _end_of(day) if isinstance(day, str) and day else None


@functools.lru_cache(maxsize=256)
def _end_of(day: str) -> datetime | None:
    try:
        return pricing.end_of(day=date.fromisoformat(day))
    except ValueError:
        return None
