from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.engine.timing import (
    NoCommonWindowError,
    SendWindow,
    is_too_late,
    next_local,
    next_open,
    parse_duration,
)

DAY = SendWindow(time(9), time(20))
ZONES = [
    "Asia/Jerusalem",
    "Europe/Bucharest",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
]


def next_allowed(*, at: datetime, window: SendWindow, zones: list[str]) -> datetime:
    return next_open(at=at, rules=[window], zones=zones)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def test_inside_the_window_is_now():
    at = utc(2026, 1, 15, 12, 34, 56)
    assert next_allowed(at=at, window=DAY, zones=["Asia/Jerusalem"]) == at


def test_before_the_window_waits_for_its_start():
    assert next_allowed(at=utc(2026, 1, 15, 3), window=DAY, zones=["Asia/Jerusalem"]) == utc(2026, 1, 15, 7)


def test_the_end_is_closed_and_waits_for_tomorrow():
    assert next_allowed(at=utc(2026, 1, 15, 18), window=DAY, zones=["Asia/Jerusalem"]) == utc(2026, 1, 16, 7)


def test_the_window_holds_in_every_zone():
    zones = ["America/New_York", "America/Los_Angeles"]
    assert next_allowed(at=utc(2026, 1, 15, 14), window=DAY, zones=zones) == utc(2026, 1, 15, 17)


def test_zones_that_never_share_the_window_say_so():
    with pytest.raises(NoCommonWindowError, match="never open in all"):
        next_allowed(
            at=utc(2026, 1, 15), window=SendWindow(time(9), time(10)), zones=["Asia/Jerusalem", "America/New_York"]
        )


def test_a_window_over_midnight():
    night = SendWindow(time(22), time(6))
    assert next_allowed(at=utc(2026, 1, 15, 12), window=night, zones=["UTC"]) == utc(2026, 1, 15, 22)
    assert next_allowed(at=utc(2026, 1, 16, 5, 59), window=night, zones=["UTC"]) == utc(2026, 1, 16, 5, 59)


def test_equal_ends_are_the_whole_day():
    at = utc(2026, 1, 15, 3, 1)
    assert next_allowed(at=at, window=SendWindow(time(0), time(0)), zones=ZONES) == at


def test_without_zones_utc_rules():
    assert next_allowed(at=utc(2026, 1, 15, 21), window=DAY, zones=[]) == utc(2026, 1, 16, 9)


def test_an_unknown_zone_is_the_callers_error():
    with pytest.raises(ZoneInfoNotFoundError):
        next_allowed(at=utc(2026, 1, 15), window=DAY, zones=["Mars/Olympus"])


def test_the_start_follows_the_clock_into_summer_time():
    # Israel moves its clocks forward on Friday 27 March 2026 at 02:00.
    assert next_allowed(at=utc(2026, 3, 26, 18), window=DAY, zones=["Asia/Jerusalem"]) == utc(2026, 3, 27, 6)
    assert next_allowed(at=utc(2026, 3, 25, 18), window=DAY, zones=["Asia/Jerusalem"]) == utc(2026, 3, 26, 7)


def test_a_start_that_the_clock_jumps_over_opens_at_the_jump():
    window = SendWindow(time(2, 30), time(5))
    assert next_allowed(at=utc(2026, 3, 26, 22), window=window, zones=["Asia/Jerusalem"]) == utc(2026, 3, 27, 0)


def test_a_window_wholly_inside_the_jump_waits_for_the_next_day():
    window = SendWindow(time(2, 15), time(2, 45))
    opened = next_allowed(at=utc(2026, 3, 26, 22), window=window, zones=["Asia/Jerusalem"])
    assert opened == utc(2026, 3, 27, 23, 15)


def test_a_start_that_comes_twice_opens_at_the_first():
    # Romania goes back from 04:00 to 03:00 on 25 October 2026.
    window = SendWindow(time(3, 30), time(6))
    assert next_allowed(at=utc(2026, 10, 24, 22), window=window, zones=["Europe/Bucharest"]) == utc(2026, 10, 25, 0, 30)


def test_going_back_into_the_window_opens_it_at_the_change():
    window = SendWindow(time(2, 30), time(3, 30))
    assert next_allowed(at=utc(2026, 10, 25, 0, 45), window=window, zones=["Europe/Bucharest"]) == utc(2026, 10, 25, 1)


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    month_day=st.sampled_from(
        [(3, 8), (3, 27), (3, 29), (4, 5), (4, 24), (10, 4), (10, 25), (10, 30), (11, 1), (7, 1)]
    ),
    minutes=st.integers(-1440, 1440),
    start=st.integers(0, 95),
    length=st.integers(1, 95),
)
@example(zone="Africa/Cairo", month_day=(4, 24), minutes=-200, start=1, length=8)
def test_no_earlier_quarter_hour_lies_in_the_window(zone, month_day, minutes, start, length):
    def clock(quarter):
        return time(quarter % 96 // 4, quarter % 4 * 15)

    window = SendWindow(clock(start), clock(start + length))
    at = utc(2026, *month_day) + timedelta(minutes=minutes)
    found = next_allowed(at=at, window=window, zones=[zone])
    place = ZoneInfo(zone)
    assert found >= at
    assert window.contains(found.astimezone(place).time())
    probe = at
    while probe < found:
        assert not window.contains(probe.astimezone(place).time())
        probe += timedelta(minutes=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3d", timedelta(days=3)), ("12h", timedelta(hours=12)), ("2w", timedelta(weeks=2)), ("1h", timedelta(hours=1))],
)
def test_durations(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "d", "0d", "03d", "-1d", "1.5h", "3 d", "3D", "3m", "3d ", "3d\n", "999999d", "٣d"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


def test_the_deadline_itself_is_in_time():
    deadline = utc(2026, 1, 1, 12)
    assert not is_too_late(now=deadline, send_by=deadline)
    assert is_too_late(now=deadline + timedelta(microseconds=1), send_by=deadline)
    assert not is_too_late(now=deadline, send_by=None)


THEN = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "clock", "zone", "weekday", "expected"),
    [
        ("2026-03-10T12:00", "14:00", "Asia/Jerusalem", None, "2026-03-10T12:00"),  # the instant itself
        ("2026-03-10T12:01", "14:00", "Asia/Jerusalem", None, "2026-03-11T12:00"),
        ("2026-03-10T23:30", "09:00", "Asia/Tokyo", None, "2026-03-11T00:00"),  # their day, not UTC's
        ("2026-03-10T12:00", "09:00", "America/New_York", 0, "2026-03-16T13:00"),
        ("2026-03-29T00:00", "02:30", "Europe/Bucharest", None, "2026-03-29T00:30"),
        ("2026-03-29T00:00", "03:30", "Europe/Bucharest", None, "2026-03-29T01:00"),  # jumped over: the jump
        ("2026-03-29T01:01", "03:30", "Europe/Bucharest", None, "2026-03-30T00:30"),  # and only once that day
        ("2026-10-24T22:00", "03:30", "Europe/Bucharest", None, "2026-10-25T00:30"),  # comes twice: the first
        ("2026-10-25T00:31", "03:30", "Europe/Bucharest", None, "2026-10-26T01:30"),
        ("2026-04-24T12:00", "00:00", "Africa/Cairo", None, "2026-04-24T21:00"),
        ("2026-04-23T12:00", "00:30", "Africa/Cairo", None, "2026-04-23T22:00"),  # midnight itself is jumped over
        ("2011-12-29T20:00", "09:00", "Pacific/Apia", None, "2011-12-30T19:00"),  # 30 December never was
        ("2011-12-29T20:00", "09:00", "Pacific/Apia", 4, "2012-01-05T19:00"),
    ],
)
def test_a_local_time_comes_once_a_day(at, clock, zone, weekday, expected):
    found = next_local(
        at=datetime.fromisoformat(at).replace(tzinfo=UTC), clock=time.fromisoformat(clock), zone=zone, weekday=weekday
    )
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@settings(deadline=None)
@given(
    at=st.integers(0, 40 * 366 * 24 * 60).map(lambda minutes: THEN + timedelta(minutes=minutes)),
    clock=st.times().map(lambda one: one.replace(second=0, microsecond=0, tzinfo=None)),
    zone=st.sampled_from(
        ["Asia/Jerusalem", "Europe/Bucharest", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]
    ),
    weekday=st.none() | st.integers(0, 6),
)
def test_a_local_time_is_never_before_the_start_and_falls_on_its_day(at, clock, zone, weekday):
    found = next_local(at=at, clock=clock, zone=zone, weekday=weekday)
    there = found.astimezone(ZoneInfo(zone))
    assert found >= at
    assert weekday is None or there.weekday() == weekday
    assert there.time() >= clock
    assert found - at <= timedelta(days=8 if weekday is not None else 2)
