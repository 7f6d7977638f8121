"""The table of campaigns: what needs somebody comes first, with its figures."""

from __future__ import annotations

import csv

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.analytics import campaign_counts
from campaigns.analytics.campaign_counts import Counts
from campaigns.delivery.models import Message
from campaigns.sequences.models import Campaign, Enrolment
from tests.campaigns.console import reviewing
from tests.campaigns.console.reading import words_of
from tests.campaigns.console.reviewing import AHEAD, results
from tests.factories import sequences as make
from tests.factories.results import keep_snapshots

pytestmark = pytest.mark.django_db
LIST = "/admin/studio/campaigns/"


@pytest.fixture
def at_launch_day(settings):
    settings.SENDGRID_API_KEY = "SG.test"
    with time_machine.travel(make.NOW, tick=False):
        yield


def names(response) -> list[str]:
    return [row.campaign.name for row in response.context["list"].page.object_list]


def status(campaign: Campaign, state: str) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(status=state)


def test_drafts_that_lack_something_come_first_and_what_is_over_last(marketer, at_launch_day):
    status(make.launched(slug="over", name="Over"), "STOPPED")
    status(make.launched(slug="halted", name="Halted"), "PAUSED")
    make.launched(slug="runs", name="Runs")
    make.drafted(slug="lacks", name="Lacks", goal=None)
    response = marketer.get(LIST)
    assert names(response) == ["Lacks", "Halted", "Runs", "Over"]
    assert "Can’t start yet Say what counts as success" in words_of(response)
    assert names(marketer.get(LIST, {"sort": "-attention"})) == ["Over", "Runs", "Halted", "Lacks"]
    assert names(marketer.get(LIST, {"sort": "name"})) == ["Halted", "Lacks", "Over", "Runs"]


def test_a_test_that_waits_for_a_decision_comes_before_what_only_runs(marketer):
    with time_machine.travel(reviewing.LATER, tick=False):
        campaign = results(AHEAD)
        keep_snapshots(campaign, every=21)
        Campaign.objects.create(slug="new", name="New", created_at=reviewing.LATER, changed_at=reviewing.LATER)
        response = marketer.get(LIST)
        words = words_of(response)
    assert names(response) == ["Seats at 80 %", "New"]
    assert "A test is ready to decide: wording B is ahead." in words
    assert "upgraded" in words
    assert "of those held out" in words


def test_people_on_their_way_and_messages_of_the_week_are_counted(at_launch_day):
    make.market()
    for _number in range(4):
        make.ready_account()
    campaign = make.launched(holdout_percent=0)
    ended, *_others = Enrolment.objects.filter(campaign=campaign).order_by("pk")
    Enrolment.objects.filter(pk=ended.pk).update(state="ENDED", exit_reason="REFUSED")
    old, lately, *_rest = Message.objects.order_by("pk")
    Message.objects.filter(pk=old.pk).update(state="ACCEPTED", accepted_at=make.NOW - make.days(8))
    Message.objects.filter(pk=lately.pk).update(state="ACCEPTED", accepted_at=make.NOW - make.days(6))
    counts = campaign_counts.count_campaigns(campaigns=[campaign], now=make.NOW)
    assert counts == {campaign.pk: Counts(accounts=4, on_the_way=3, sent=1, waiting=2)}


def test_the_list_is_kept_to_a_state_and_a_segment(marketer, at_launch_day):
    live = make.launched(slug="runs", name="Runs")
    make.drafted(slug="draft", name="Draft one")
    assert live.segment is not None
    assert names(marketer.get(LIST, {"state": "DRAFT"})) == ["Draft one"]
    assert "Runs" in names(marketer.get(LIST, {"segment": live.segment.slug}))
    assert "1 of 2 campaigns" in words_of(marketer.get(LIST, {"state": "LIVE"}))


def test_the_file_of_campaigns_tells_what_they_need(marketer, at_launch_day):
    make.drafted(slug="lacks", name="=Lacks", goal=None)
    text = b"".join(marketer.get(f"{LIST}campaigns.csv")).decode("utf-8-sig")
    [row] = csv.DictReader(text.splitlines())
    assert (row["campaign"], row["name"], row["state"]) == ("lacks", "'=Lacks", "DRAFT")
    assert row["needs"].endswith("can’t start yet.")


def test_more_campaigns_take_no_more_statements(marketer, at_launch_day):
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            marketer.get(LIST, {"state": "LIVE"})
        return len(asked)

    make.launched(slug="one")
    few = statements()
    make.launched(slug="two")
    make.launched(slug="three")
    assert statements() == few


def test_an_onlooker_may_look(onlooker, at_launch_day):
    make.launched()
    assert onlooker.get(LIST).status_code == 200
    assert onlooker.get(f"{LIST}campaigns.csv").status_code == 200
