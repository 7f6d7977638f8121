"""A test's page six weeks after its start, one wording ahead."""

from __future__ import annotations

import csv
import io

import pytest
import time_machine
from django.urls import reverse
from django.utils import translation

from campaigns.sequences.models import Campaign
from tests.campaigns.console.conftest import client_of_maria
from tests.campaigns.console.reading import words_of
from tests.campaigns.console.reviewing import AHEAD, LATER, page, results
from tests.factories.results import keep_snapshots

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def ahead(shared_rows):
    with time_machine.travel(LATER, tick=False):
        results(AHEAD)


@pytest.fixture(scope="module")
def words(ahead):
    """What Maria reads there."""
    with time_machine.travel(LATER, tick=False):
        return words_of(client_of_maria().get(page()))


@pytest.fixture(scope="module")
def in_hebrew(ahead):
    """The same page, of a Maria who reads Hebrew."""
    with time_machine.travel(LATER, tick=False), translation.override("he"):
        client = client_of_maria()
        client.cookies["django_language"] = "he"
        return client.get(page()).content.decode()


@pytest.fixture(autouse=True)
def six_weeks_later(ahead):
    with time_machine.travel(LATER, tick=False):
        yield


def test_ahead_is_said_with_both_shares_and_a_range(words):
    assert "B is ahead: 35.0 % upgraded with B, 13.0 % with A." in words
    assert "The true difference is most likely between 9.5 and 34.5 points." in words
    assert "Choose B… Keep it running" in words
    assert "Yes, 6 of 6 checks" in words


def test_the_checks_name_their_numbers(words):
    assert "The split is as planned A 200, planned 200; B 200, planned 200; Held out 100, planned 100" in words
    assert "Long enough 42 days, at least 7 needed" in words
    assert "Enough upgrades 26 in the smaller group, at least 25 needed" in words
    assert "Nobody saw both 0 accounts changed group" in words


def test_the_subjects_are_filled_in(words):
    assert "{{" not in words
    assert "The subjects are filled in for a made-up account." in words


def test_what_it_earned_has_both_ranges(words):
    assert "MRR more than without it" in words
    assert "valid at any look." in words
    assert "At the planned end, looked at once:" in words


def test_the_groups_and_stages_stand_as_tables(words):
    assert "A 200 26 $1,248 $6.24 B 200 70 $3,430 $17.15 Held out 100 26 $520 $5.20" in words
    assert "Sent 190 95.0 % 190 95.0 % Delivered 185 92.5 % 186 93.0 % Clicked 30 15.0 % 45 22.5 %" in words
    assert "20 accounts got no message: 20 opted out." in words
    assert "See who and why" not in words


def test_evidence_is_not_drawn_from_a_single_day(words):
    assert "There are fewer than two days to draw yet." in words


def test_the_csv_has_level_method_and_p_for_analysts(marketer):
    response = marketer.get(page("-csv"))
    rows = {tuple(row[:3]): row[3] for row in csv.reader(io.StringIO(b"".join(response).decode()))}
    assert response.headers["Content-Disposition"] == 'attachment; filename="test-seats-80-2026-04-13.csv"'
    assert rows["group", "b", "upgraded"] == "70"
    assert rows["method", "test", "alpha"] == "0.050"
    assert rows["method", "test", "interval"] == "asymptotic confidence sequence"
    assert 0 < float(rows["difference", "b minus a", "upgrades_p"]) < 0.05
    assert rows["verdict", "test", "kind"] == "AHEAD"


def test_every_drawing_has_its_table(marketer):
    keep_snapshots(Campaign.objects.get(), every=14)
    response = marketer.get(page())
    words, content = words_of(response), response.content.decode()
    assert content.count("<figure") == content.count("Show as a table") == 2
    assert "Accounts that upgraded +22.0 +9.5 +34.5 – Expansion MRR" in words
    assert "Difference in upgrades, B minus A, in points, as people saw it then." in words


def test_the_list_says_what_each_test_says(marketer):
    keep_snapshots(Campaign.objects.get(), every=21)
    words = words_of(marketer.get(reverse("admin:studio-tests")))
    assert "Seats at 80 % Seats at 80 % 400 B is ahead 2 March 2026" in words


def test_signed_numbers_keep_their_sign_on_the_left_in_hebrew(in_hebrew):
    assert '<bdi dir="ltr">+22.0</bdi>' in in_hebrew
    assert '<html lang="he" dir="rtl"' in in_hebrew


def test_ranges_and_letters_stand_alone_in_hebrew(in_hebrew):
    assert "\u2066+9.5\u2069" in in_hebrew
    assert "\u2066A\u2069" in in_hebrew
