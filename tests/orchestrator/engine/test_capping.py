from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.capping import Cap, earliest_allowed

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
