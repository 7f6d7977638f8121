"""The billing period that a moment falls into. Pure."""

from __future__ import annotations

import calendar
from datetime import date


def period_start(*, day: date, anchor: date, months: int) -> date:
    """First day of the period of `months` that holds `day`, counted in both directions from `anchor`.

    `anchor` is any renewal (or the start) of the subscription. A renewal on the 31st falls on the last
    day of shorter months and returns to the 31st.
    """
    steps = ((day.year - anchor.year) * 12 + day.month - anchor.month) // months
    start = _shift(anchor, steps * months)
    return start if start <= day else _shift(anchor, (steps - 1) * months)


def _shift(anchor: date, months: int) -> date:
    count = anchor.year * 12 + anchor.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(anchor.day, calendar.monthrange(year, month)[1]))
