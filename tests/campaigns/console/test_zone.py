"""Whose times a page shows: those of the reader, who is told so and may choose."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from campaigns.operations.models import StaffProfile
from tests.campaigns.console.reading import words_of
from tests.factories.crm import CrmConnectionFactory

pytestmark = pytest.mark.django_db
ZONE = reverse("admin:studio-zone")


def test_a_page_says_whose_times_it_shows_and_the_reader_chooses(onlooker):
    assert "Times here are those of UTC." in words_of(onlooker.get(ZONE))
    words = words_of(onlooker.post(ZONE, {"time_zone": "Asia/Jerusalem"}, follow=True))
    assert "All times are those of Asia/Jerusalem now." in words
    assert "Times here are those of Asia/Jerusalem." in words
    assert StaffProfile.objects.get().time_zone == "Asia/Jerusalem"


def test_a_zone_that_does_not_exist_is_refused(onlooker):
    assert onlooker.post(ZONE, {"time_zone": "Moon/Base"}).status_code == 422
    assert not StaffProfile.objects.exists()


def test_pages_of_all_data_are_in_the_readers_zone_too(marketer):
    CrmConnectionFactory(last_synced_at=datetime(2026, 3, 10, 22, 30, tzinfo=UTC))
    marketer.post(ZONE, {"time_zone": "Asia/Jerusalem"})
    words = words_of(marketer.get(reverse("admin:crm_crmconnection_changelist")))
    assert "March 11, 2026, 12:30 a.m." in words
    assert "Times here are those of Asia/Jerusalem." in words
