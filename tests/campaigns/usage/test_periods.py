from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.usage.periods import period_start


@pytest.mark.parametrize(
    ("day", "anchor", "months", "start"),
    [
        (date(2026, 11, 24), date(2026, 12, 10), 1, date(2026, 11, 10)),
        (date(2026, 11, 10), date(2026, 12, 10), 1, date(2026, 11, 10)),
        (date(2026, 11, 9), date(2026, 12, 10), 1, date(2026, 10, 10)),
        (date(2026, 2, 28), date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 2, 27), date(2026, 1, 31), 1, date(2026, 1, 31)),
        (date(2026, 3, 30), date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 11, 24), date(2027, 3, 1), 12, date(2026, 3, 1)),
        (date(2026, 11, 24), date(2024, 2, 29), 12, date(2026, 2, 28)),
    ],
)
def test_a_day_falls_into_the_period_that_began_last(day: date, anchor: date, months: int, start: date) -> None:
    assert period_start(day=day, anchor=anchor, months=months) == start


_DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@given(day=_DAYS, anchor=_DAYS, months=st.sampled_from([1, 3, 12]))
def test_a_period_holds_its_day_and_periods_follow_one_another(day: date, anchor: date, months: int) -> None:
    start = period_start(day=day, anchor=anchor, months=months)
    assert start <= day
    assert period_start(day=start, anchor=anchor, months=months) == start
    assert period_start(day=day + timedelta(days=1), anchor=anchor, months=months) in (start, day + timedelta(days=1))
