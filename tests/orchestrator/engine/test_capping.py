from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.capping import Cap, earliest_allowed, period_of

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ONE_A_DAY = Cap(days=1, messages=1)


def test_who_got_nothing_may_get_a_message_now():
    assert earliest_allowed(sent_at=[], caps=[ONE_A_DAY], now=NOW) == NOW


def test_no_caps_allow_now():
    assert earliest_allowed(sent_at=[NOW] * 9, caps=[], now=NOW) == NOW


def test_a_full_cap_opens_when_the_oldest_counting_message_leaves_the_window():
    sent = [NOW - timedelta(days=6), NOW - timedelta(days=2), NOW - timedelta(hours=30)]
    assert earliest_allowed(sent_at=sent, caps=[Cap(7, 3)], now=NOW) == NOW + timedelta(days=1)


def test_a_message_exactly_one_window_ago_counts_no_more():
    assert earliest_allowed(sent_at=[NOW - timedelta(days=1)], caps=[ONE_A_DAY], now=NOW) == NOW


def test_the_strictest_cap_rules():
    sent = [NOW - timedelta(hours=1), NOW - timedelta(days=3), NOW - timedelta(days=5)]
    assert earliest_allowed(sent_at=sent, caps=[ONE_A_DAY, Cap(7, 3)], now=NOW) == NOW + timedelta(days=2)


def test_reserved_messages_of_the_future_count():
    ahead = NOW + timedelta(hours=2)
    assert earliest_allowed(sent_at=[ahead], caps=[ONE_A_DAY], now=NOW) == ahead + timedelta(days=1)


@pytest.mark.parametrize(("days", "messages"), [(0, 1), (1, 0)])
def test_a_cap_that_allows_nothing_is_refused(days, messages):
    with pytest.raises(ValueError, match="both must be"):
        Cap(days, messages)


@given(
    hours=st.lists(st.integers(0, 24 * 20), max_size=12),
    caps=st.lists(st.builds(Cap, st.integers(1, 10), st.integers(1, 4)), max_size=3),
)
def test_the_answer_breaks_no_cap_and_no_earlier_hour_would_do(hours, caps):
    sent = [NOW - timedelta(hours=age) for age in hours]

    def breaks(moment):
        return any(sum(one > moment - timedelta(days=cap.days) for one in sent) >= cap.messages for cap in caps)

    allowed = earliest_allowed(sent_at=sent, caps=caps, now=NOW)
    assert not breaks(allowed)
    assert allowed == NOW or breaks(allowed - timedelta(seconds=1))


@pytest.mark.parametrize("wrong", [{"days": 1, "per": "day"}, {"per": "year"}, {"days": 1, "of": "channel"}])
def test_a_cap_in_words_nobody_knows_is_refused(wrong):
    with pytest.raises(ValueError, match="cap"):
        Cap(messages=1, **wrong)


def test_a_calendar_day_ends_at_midnight_where_the_reader_is():
    cap = Cap(per="day", messages=1)
    sent = datetime(2026, 3, 10, 21, 30, tzinfo=UTC)

    at = {zone: earliest_allowed(sent_at=[sent], caps=[cap], now=sent, zone=zone) for zone in ("UTC", "Asia/Jerusalem")}

    assert at == {
        "UTC": datetime(2026, 3, 11, tzinfo=UTC),
        "Asia/Jerusalem": datetime(2026, 3, 10, 22, tzinfo=UTC),
    }


def test_weeks_begin_on_monday_and_months_on_the_first():
    week, month = (period_of(at=NOW, per=per, zone="Europe/Bucharest") for per in ("week", "month"))

    assert week == (datetime(2026, 3, 8, 22, tzinfo=UTC), datetime(2026, 3, 15, 22, tzinfo=UTC))
    assert month == (datetime(2026, 2, 28, 22, tzinfo=UTC), datetime(2026, 3, 31, 21, tzinfo=UTC))


def test_a_full_month_sends_on_in_the_next_although_the_week_has_room():
    caps = [Cap(per="month", messages=2), Cap(per="week", messages=2), Cap(days=1, messages=1)]
    sent = [NOW - timedelta(days=8), NOW - timedelta(days=7)]

    assert earliest_allowed(sent_at=sent, caps=caps, now=NOW) == datetime(2026, 4, 1, tzinfo=UTC)


ZONES = st.sampled_from(
    [
        "UTC",
        "Asia/Jerusalem",
        "Europe/Bucharest",
        "America/New_York",
        "America/Havana",
        "Africa/Cairo",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "America/Asuncion",
        "Pacific/Chatham",
        "Asia/Kathmandu",
        "Atlantic/Azores",
    ]
)
# Two years hold every kind of clock change of these zones.
MOMENTS = st.integers(0, 2 * 365 * 24 * 4).map(
    lambda quarters: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=15) * quarters
)


@given(at=MOMENTS, per=st.sampled_from(["day", "week", "month"]), zone=ZONES)
def test_periods_follow_each_other_without_gap_or_overlap_in_every_zone(at, per, zone):
    start, end = period_of(at=at, per=per, zone=zone)

    assert start <= at < end
    assert period_of(at=end, per=per, zone=zone)[0] == end
    assert period_of(at=start - timedelta(seconds=1), per=per, zone=zone)[1] == start
    assert start.astimezone(ZoneInfo(zone)).date() != (start - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date()


@given(
    wishes=st.lists(MOMENTS, min_size=1, max_size=20),
    zone=ZONES,
    caps=st.lists(
        st.one_of(
            st.builds(Cap, days=st.integers(1, 9), messages=st.integers(1, 3)),
            st.builds(Cap, per=st.sampled_from(["day", "week", "month"]), messages=st.integers(1, 3)),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_whoever_sends_when_it_is_allowed_never_exceeds_a_cap_of_any_kind(wishes, zone, caps):
    sent: list[datetime] = []
    for wish in sorted(wishes):
        at = max(wish, *sent) if sent else wish
        sent.append(earliest_allowed(sent_at=sent, caps=caps, now=at, zone=zone))

    for cap in caps:
        for one in sent:
            if cap.per:
                start, end = period_of(at=one, per=cap.per, zone=zone)
                counted = sum(start <= other < end for other in sent)
            else:
                counted = sum(one - timedelta(days=cap.days) < other <= one for other in sent)
            assert counted <= cap.messages
