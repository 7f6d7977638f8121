"""The page of a campaign that runs: it is paused, stopped and copied, not changed."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.analytics import campaign_counts
from campaigns.console import campaign_rows
from campaigns.delivery.models import Message
from campaigns.sequences import selectors
from campaigns.sequences.models import Campaign, Enrolment
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def scene(shared_rows):
    """A campaign under way with one account."""
    make.market()
    make.ready_account()
    return make.launched(holdout_percent=0)


@pytest.fixture
def campaign(scene, settings, db):
    settings.SENDGRID_API_KEY = "SG.test"
    with time_machine.travel(make.NOW, tick=False):
        yield Campaign.objects.get()


def page(name, *args):
    return reverse(f"admin:studio-campaign{name}", args=args)


def test_a_campaign_that_runs_can_be_read_but_not_changed(campaign, marketer):
    words = words_of(marketer.get(page("", campaign.slug)))
    assert "It runs, so it can be read but not changed" in words
    assert marketer.post(page("-steps", campaign.slug), {"do": "remove wait-1"}).status_code == 404


def test_a_campaign_that_is_paused_or_stopped_says_so(campaign, marketer):
    for act, words in (("pause", "It is paused"), ("stop", "It was stopped for good")):
        marketer.post(page("-state", campaign.slug, act))
        shown = words_of(marketer.get(page("", campaign.slug)))
        assert words in shown
        assert "It runs" not in shown


def test_a_copy_of_what_runs_is_a_draft_of_its_own(campaign, marketer):
    marketer.post(page("-copy", campaign.slug))
    copy = Campaign.objects.get(slug="seats-80-copy")
    assert (copy.status, copy.name) == ("DRAFT", "Seats at 80 %, copy")
    assert copy.draft_version is not None
    assert copy.draft_version.definition["steps"] == make.document()["steps"]


def test_pausing_says_its_effect_in_numbers_first(campaign, marketer):
    words = words_of(marketer.get(page("-state", campaign.slug, "pause")))
    assert "1 message waits. 1 person is on the way." in words
    assert Campaign.objects.get().status == "LIVE"


def test_a_campaign_is_paused_resumed_and_stopped_with_name_and_reason(campaign, marketer):
    for act in ("pause", "resume", "stop"):
        marketer.post(page("-state", campaign.slug, act), {"reason": f"because of {act}"})
    words = words_of(marketer.get(reverse("admin:studio-test", args=[campaign.slug])))
    assert Campaign.objects.get().status == "STOPPED"
    assert "maria paused the campaign: “because of pause”" in words
    assert "maria stopped the campaign: “because of stop”" in words


def test_an_act_that_no_longer_fits_is_told(campaign, marketer):
    response = marketer.post(page("-state", campaign.slug, "resume"), follow=True)
    assert "Nothing was changed: the campaign is in another state by now." in words_of(response)


def test_a_segment_that_feeds_a_running_campaign_says_what_saving_does(campaign, marketer):
    words = words_of(marketer.get(reverse("admin:studio-segment", args=[campaign.segment.slug])))
    assert "Used by 1 campaign" in words
    assert "Saving changes who enters 1 running campaign from then on. Whoever is in it stays in it." in words


@pytest.mark.parametrize("state", ["LIVE", "PAUSED", "STOPPED", "DRAFT"])
@pytest.mark.parametrize("is_open", [True, False])
def test_the_list_says_over_where_the_campaigns_own_page_does(campaign, state, is_open):
    if not is_open:
        Enrolment.objects.update(state="ENDED", exit_reason="STOPPED")
        Message.objects.update(state="SKIPPED", reason="OPTED_OUT")
    Campaign.objects.update(status=state)
    campaign.refresh_from_db()
    counts = campaign_counts.count_campaigns(campaigns=[campaign], now=make.NOW)[campaign.pk]
    assert campaign_rows.is_over(campaign, counts) == selectors.is_finished(campaign=campaign)
