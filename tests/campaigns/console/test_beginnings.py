"""Where there is no campaign yet, and nothing that one could be made of."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.segments.models import Segment
from campaigns.sequences.models import Campaign
from tests.campaigns.console.reading import words_of

pytestmark = pytest.mark.django_db


def test_without_a_segment_the_new_page_leads_to_making_one(marketer):
    words = words_of(marketer.get(reverse("admin:studio-campaign-new")))
    assert "A campaign needs a segment: whom do you want to reach?" in words


def test_an_empty_list_says_how_to_begin(marketer):
    assert "No campaign yet." in words_of(marketer.get(reverse("admin:studio-campaigns")))


def test_an_empty_list_offers_ready_ones(marketer, market):
    words = words_of(marketer.get(reverse("admin:studio-segments")))
    assert "No segment yet." in words
    assert "Close to the seat limit Reached a limit this month Growing fast Renewal in 45 days" in words


def test_without_a_meter_a_situation_about_usage_says_what_is_missing(marketer):
    words = words_of(marketer.get(marketer.post(reverse("admin:studio-template-start", args=["near-limit"])).url))
    assert "This needs a meter: apply a catalogue that has one, then start again." in words
    assert not Campaign.objects.exists()
    assert not Segment.objects.exists()


def test_an_empty_list_says_how_a_test_begins(marketer):
    words = words_of(marketer.get(reverse("admin:studio-tests")))
    assert "No test yet. A campaign with two wordings starts one by itself" in words
