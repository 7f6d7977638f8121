from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.intake import moments
from campaigns.intake.moments import Receipt

WALL = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BUSINESS = WALL + timedelta(days=60)
HOUR = timedelta(hours=1)
SAME = Receipt(wall=WALL, business=WALL)
AHEAD = Receipt(wall=WALL, business=BUSINESS)


def correct(timestamp, sent_at, receipt=SAME):
    return moments.correct(timestamp=timestamp, sent_at=sent_at, receipt=receipt)


def test_a_clock_that_is_an_hour_fast_is_set_right():
    assert correct(WALL + HOUR - timedelta(minutes=1), WALL + HOUR) == WALL - timedelta(minutes=1)


@pytest.mark.parametrize("sent_at", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_a_sent_at_at_the_end_of_time_breaks_nothing(sent_at):
    assert correct(datetime(1, 1, 2, tzinfo=UTC), sent_at) <= WALL
    assert correct(datetime(9999, 12, 31, tzinfo=UTC), sent_at) <= WALL


def test_without_sent_at_the_timestamp_is_the_truth():
    assert correct(WALL - HOUR, None) == WALL - HOUR


def test_without_a_timestamp_it_happened_when_it_came():
    assert correct(None, WALL, AHEAD) == BUSINESS


def test_what_lies_in_the_future_happened_now():
    assert correct(WALL + timedelta(minutes=6), None) == WALL
    assert correct(WALL + timedelta(minutes=4), None) == WALL + timedelta(minutes=4)


def test_a_sender_on_wall_time_may_tell_of_business_time_ahead_of_it():
    assert correct(BUSINESS - HOUR, WALL, AHEAD) == BUSINESS - HOUR


def test_a_sender_on_business_time_is_not_set_back_by_the_offset():
    assert correct(BUSINESS - HOUR, BUSINESS, AHEAD) == BUSINESS - HOUR


@given(
    skew=st.timedeltas(timedelta(days=-300), timedelta(days=300)), age=st.timedeltas(timedelta(0), timedelta(days=300))
)
def test_any_skew_of_the_senders_clock_is_taken_off(skew, age):
    happened = WALL - age

    assert correct(happened + skew, WALL + skew) == happened


@pytest.mark.parametrize("value", ["soon", 17, [], "2026-13-01"])
def test_what_is_no_time_stamp_is_refused(value):
    with pytest.raises(moments.NotAMomentError):
        moments.read_moment(value)


def test_a_time_without_a_zone_is_utc():
    assert moments.read_moment("2026-03-01T12:00:00") == moments.read_moment("2026-03-01T14:00:00+02:00") == WALL
