"""What needs somebody while a campaign runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Max

from campaigns.analytics import home
from campaigns.delivery.models import Message
from campaigns.operations.models import SendSwitch
from campaigns.segments.models import Segment
from campaigns.sequences.models import Campaign
from campaigns.usage.models import UsageDaily
from tests.factories import sequences as make

NOW = make.NOW


@pytest.fixture(scope="module")
def scene(shared_rows):
    make.market()
    for _ in range(5):
        make.ready_account()
    make.launched(holdout_percent=None)


@pytest.fixture
def campaign(scene, db):
    return Campaign.objects.get()


def titles(now=NOW) -> list[str]:
    return [need.title for need in home.find_needs(now=now)]


def test_when_all_runs_nothing_needs_anybody(campaign):
    assert titles() == []


def test_a_live_campaign_is_shown_with_its_counts(campaign):
    (row,) = home.list_campaigns(now=NOW)
    assert (row.campaign, row.audience, row.enrolled, row.holdout, row.sent, row.waiting) == (campaign, 5, 5, 0, 0, 5)


def test_messages_of_unknown_fate_need_somebody(campaign):
    Message.objects.update(state=Message.State.UNDETERMINED)
    assert titles() == ["5 messages may or may not have arrived"]


def test_the_audience_of_a_live_campaign_must_stay_fresh(campaign):
    Segment.objects.update(refreshed_at=NOW - timedelta(hours=2))
    assert titles() == ["The segment Seats at 80 %: audience is no longer refreshed"]


def test_switched_off_sending_comes_first(campaign):
    Message.objects.update(state=Message.State.UNDETERMINED)
    SendSwitch.objects.update_or_create(id=1, defaults={"is_on": False, "changed_at": NOW, "changed_by": "ron"})
    assert titles()[0] == "Sending is switched off"


@pytest.mark.parametrize(("days", "told"), [(1, []), (3, ["No usage has come in for 3 days"])])
def test_usage_that_stopped_coming_is_told_while_a_campaign_runs(campaign, days, told):
    newest = UsageDaily.objects.aggregate(newest=Max("last_at"))["newest"]
    Segment.objects.update(refreshed_at=newest + timedelta(days=days))
    assert titles(now=newest + timedelta(days=days)) == told
