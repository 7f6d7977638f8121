"""A campaign's own days: messages, clicks and upgraded accounts."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.analytics import daily
from campaigns.conversions.models import Conversion
from campaigns.segments.models import SegmentRefresh
from campaigns.sequences.models import Campaign
from tests.factories.results import Arm, campaign_with_results
from tests.factories.segments import make_segment
from tests.factories.sequences import NOW as LAUNCH

ZONE = ZoneInfo("UTC")
ARMS = {"a": Arm(28, 7, 50, 28, 28, 14), "b": Arm(28, 14, 50, 28, 28, 28), "holdout": Arm(28, 28, 50)}
LATER = LAUNCH + timedelta(days=42)


@pytest.fixture(scope="module")
def scene(shared_rows):
    campaign_with_results(arms=ARMS)


@pytest.fixture
def campaign(scene, db):
    return Campaign.objects.get()


def test_a_campaigns_days_add_up_to_its_messages_clicks_and_upgraded_accounts(campaign):
    days = daily.count_campaign_days(campaign=campaign, now=LATER, zone=ZONE)
    assert (days[0].day, days[-1].day, len(days)) == (LAUNCH.date(), LATER.date(), 43)
    assert [sum(getattr(one, name) for one in days) for name in ("sent", "clicked", "upgraded")] == [56, 42, 21]
    assert (days[0].sent, days[0].clicked, days[0].upgraded) == (2, 2, 0)
    assert (days[3].sent, days[3].upgraded) == (2, 2)


def test_accounts_held_out_and_second_upgrades_are_no_upgrades_of_the_campaign(campaign):
    first = Conversion.objects.filter(entry__assignment__variant__key="a").earliest("converted_at")
    again = Conversion.objects.filter(entry__assignment__variant__isnull=True).earliest("pk")
    Conversion.objects.filter(pk=again.pk).update(
        account=first.account, entry=first.entry, converted_at=first.converted_at + timedelta(days=5)
    )
    days = daily.count_campaign_days(campaign=campaign, now=LATER, zone=ZONE)
    assert sum(one.upgraded for one in days) == 21


def test_a_campaign_that_is_over_ends_with_the_last_thing_that_happened(campaign):
    campaign.status = Campaign.Status.STOPPED
    last = Conversion.objects.filter(entry__assignment__variant__isnull=False).latest("converted_at").converted_at
    days = daily.count_campaign_days(campaign=campaign, now=LATER, zone=ZONE)
    assert days[-1].day == last.date() < LATER.date()


def test_of_a_long_campaign_the_newest_60_days_are_told(campaign):
    days = daily.count_campaign_days(campaign=campaign, now=LAUNCH + timedelta(days=70), zone=ZONE)
    assert (days[0].day, len(days)) == (LAUNCH.date() + timedelta(days=11), 60)


def test_the_number_of_statements_does_not_grow_with_the_days(campaign):
    segment = make_segment()
    for days in range(40):
        at = LATER - timedelta(days=days)
        SegmentRefresh.objects.create(segment=segment, started_at=at, milliseconds=3, size=days)
    with CaptureQueriesContext(connection) as asked:
        daily.count_sent_days(now=LATER, zone=ZONE)
        daily.count_campaign_days(campaign=campaign, now=LATER, zone=ZONE)
        daily.read_segment_sizes(segment=segment, now=LATER, zone=ZONE)
    assert len(asked) == 5
