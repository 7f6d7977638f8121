"""What the charts count: by day of the reader's zone, each thing once, in one statement however much there is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.analytics import daily
from campaigns.delivery.models import Message
from campaigns.segments.models import SegmentRefresh
from tests.factories.delivery import MessageFactory
from tests.factories.segments import make_segment
from tests.factories.sequences import NOW as LAUNCH
from tests.factories.sequences import drafted

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
JERUSALEM = ZoneInfo("Asia/Jerusalem")
LATER = LAUNCH + timedelta(days=42)


def sent(at: datetime, **fields):
    return MessageFactory(state=Message.State.ACCEPTED, accepted_at=at, **fields)


def refreshed(segment, at: datetime, size: int | None, *, error: str = ""):
    SegmentRefresh.objects.create(segment=segment, started_at=at, milliseconds=3, size=size, error=error)


def test_what_went_out_is_counted_by_day_and_channel():
    for days_ago in (0, 0, 2):
        sent(NOW - timedelta(days=days_ago))
    sent(NOW - timedelta(days=29), channel="in_app")
    found = daily.count_sent_days(now=NOW, zone=ZONE)
    assert (found.days[0], found.days[-1], len(found.days)) == (date(2026, 10, 26), date(2026, 11, 24), 30)
    assert found.channels == {"email": [0] * 27 + [1, 0, 2], "in_app": [1] + [0] * 29}
    assert found.total == 4


def test_test_sends_older_messages_and_those_that_did_not_go_are_left_out():
    sent(NOW, purpose=Message.Purpose.TEST)
    sent(NOW - timedelta(days=30))
    sent(NOW + timedelta(seconds=1))
    MessageFactory()
    assert daily.count_sent_days(now=NOW, zone=ZONE).channels == {}


def test_a_day_is_a_day_of_the_readers_zone():
    sent(datetime(2026, 11, 23, 22, 30, tzinfo=UTC))
    assert daily.count_sent_days(now=NOW, zone=ZONE).channels["email"][-2:] == [1, 0]
    assert daily.count_sent_days(now=NOW, zone=JERUSALEM).channels["email"][-2:] == [0, 1]


def test_the_first_of_the_30_days_begins_at_midnight_of_the_readers_zone():
    sent(datetime(2026, 10, 25, 22, 0, tzinfo=UTC))
    sent(datetime(2026, 10, 25, 21, 59, tzinfo=UTC))
    found = daily.count_sent_days(now=NOW, zone=JERUSALEM)
    assert (found.days[0], found.channels["email"][0], found.total) == (date(2026, 10, 26), 1, 1)


def test_a_draft_has_no_days():
    assert daily.count_campaign_days(campaign=drafted(), now=LATER, zone=ZONE) == []


def test_the_last_good_count_of_a_day_is_its_size():
    segment = make_segment()
    refreshed(segment, NOW - timedelta(days=3, hours=2), 8)
    refreshed(segment, NOW - timedelta(days=3), 9)
    refreshed(segment, NOW - timedelta(days=1), 12)
    refreshed(segment, NOW - timedelta(hours=1), None, error="SegmentTooSlow")
    refreshed(make_segment(), NOW, 99)
    found = daily.read_segment_sizes(segment=segment, now=NOW, zone=ZONE)
    assert found.days == [date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23)]
    assert found.sizes == [9, None, 12]


def test_sizes_older_than_60_days_are_left_out():
    segment = make_segment()
    refreshed(segment, NOW - timedelta(days=60), 8)
    refreshed(segment, NOW - timedelta(days=59), 9)
    assert daily.read_segment_sizes(segment=segment, now=NOW, zone=ZONE).sizes == [9]


def test_a_segment_that_was_never_counted_has_no_sizes():
    assert daily.read_segment_sizes(segment=make_segment(), now=NOW, zone=ZONE).days == []
