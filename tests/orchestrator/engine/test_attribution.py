from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.attribution import Credit, TouchPoint, credit, last_touch

CONVERTED = datetime(2026, 3, 20, 12, tzinfo=UTC)
WINDOW = timedelta(days=14)


def touch(message_id, days_before, *, clicked=False):
    return TouchPoint(message_id, CONVERTED - timedelta(days=days_before), clicked)


def test_the_newest_message_before_the_conversion_gets_the_credit():
    touches = [touch("old", 5), touch("new", 1)]
    assert last_touch(touches=touches, converted_at=CONVERTED, window=WINDOW) == "new"


def test_a_clicked_message_goes_before_a_newer_unclicked_one():
    touches = [touch("clicked", 5, clicked=True), touch("new", 1)]
    assert last_touch(touches=touches, converted_at=CONVERTED, window=WINDOW) == "clicked"


def test_messages_after_the_conversion_or_before_the_window_get_nothing():
    touches = [touch("late", -1), touch("stale", 15)]
    assert last_touch(touches=touches, converted_at=CONVERTED, window=WINDOW) is None


def test_both_ends_of_the_window_count():
    for days in (0, 14):
        assert last_touch(touches=[touch("edge", days)], converted_at=CONVERTED, window=WINDOW) == "edge"


def test_last_touch_credit_is_whole():
    assert credit(touches=[touch("a", 2), touch("b", 1)], converted_at=CONVERTED, window=WINDOW) == [
        Credit("b", Decimal(1))
    ]


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="LAST_TOUCH"):
        credit(touches=[], converted_at=CONVERTED, window=WINDOW, model="U_SHAPED")


@given(
    days=st.lists(st.integers(-5, 30), max_size=12),
    model=st.sampled_from(["LAST_TOUCH", "LINEAR"]),
)
def test_credits_sum_to_exactly_one_or_there_are_none(days, model):
    touches = [touch(str(place), day) for place, day in enumerate(days)]
    credits = credit(touches=touches, converted_at=CONVERTED, window=WINDOW, model=model)
    inside = any(0 <= day <= 14 for day in days)
    assert sum(one.weight for one in credits) == (1 if inside else 0)
    assert all(one.weight > 0 for one in credits)
