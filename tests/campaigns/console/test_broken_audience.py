"""A segment that asks for something that is gone: every page of its campaign says so, none fails."""

from __future__ import annotations

import psycopg
import pytest
import time_machine
from django.urls import reverse

from campaigns.segments import sessions
from campaigns.segments.models import SegmentVersion
from campaigns.sequences import check
from campaigns.sequences.models import Campaign
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
GONE = {"all": [{"usage": "gone", "agg": "last", "op": ">=", "value": 1}]}
BY_EVENTS = {"all": [{"event": "exported", "window": "30d"}]}
WORDS = "The audience could not be computed: all[0].usage: There is no meter gone."


@pytest.fixture
def draft():
    make.market()
    make.ready_account()
    with time_machine.travel(make.NOW, tick=False):
        yield make.drafted()


@pytest.fixture
def broken(draft):
    SegmentVersion.objects.filter(segment=draft.edited_segment).update(definition=GONE)
    return draft


def test_the_campaign_s_page_says_so_and_counts_nobody(broken, marketer):
    words = words_of(marketer.get(reverse("admin:studio-campaign", args=[broken.slug])))
    assert "Audience 1 thing to correct" in words and "1 thing blocks it" in words
    assert "– accounts are in it today" in words


def test_its_launch_is_refused_with_the_reason(broken, marketer):
    assert WORDS in words_of(marketer.get(reverse("admin:studio-campaign-launch", args=[broken.slug])))


@pytest.mark.parametrize("page", ["studio-home", "studio-campaigns"])
def test_home_and_the_list_go_on(broken, marketer, page):
    assert broken.name in words_of(marketer.get(reverse(f"admin:{page}")))


def test_an_audience_that_takes_too_long_is_a_warning(draft, settings, monkeypatch):
    """given a table that another transaction does not let go of"""
    SegmentVersion.objects.filter(segment=draft.edited_segment).update(definition=BY_EVENTS)
    monkeypatch.setattr(sessions, "PREVIEW_SECONDS", 0.05)
    with psycopg.connect(settings.DATABASE_URL, dbname=settings.DATABASES["default"]["NAME"]) as other:
        other.execute("LOCK TABLE usage_usageevent IN ACCESS EXCLUSIVE MODE")

        found = check.check_campaign(campaign=Campaign.objects.get(), now=make.NOW)

        other.rollback()
    assert [(one.level, one.where) for one in found if one.code == "uncounted_audience"] == [("WARNING", "audience")]
