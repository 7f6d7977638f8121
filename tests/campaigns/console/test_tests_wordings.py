"""The test of a campaign with another number of wordings than two."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from tests.campaigns.console.reading import words_of
from tests.campaigns.console.reviewing import LATER, results, review
from tests.factories import sequences as make
from tests.factories.results import Arm, keep_snapshots

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def six_weeks_later():
    with time_machine.travel(LATER, tick=False):
        yield


def test_one_wording_says_that_there_is_nothing_to_compare(marketer):
    steps = make.document()["steps"]
    del steps[0]["variants"]["b"]
    steps[0]["variants"]["a"]["weight"] = 100
    results({"a": Arm(100, 30), "holdout": Arm(25, 2)}, steps=steps)
    words = review(marketer)
    assert "One wording: there is nothing to compare." in words
    assert "compared with" not in words


def test_evidence_is_drawn_for_the_wording_that_the_verdict_is_about(marketer):
    content = make.document()["steps"][0]["variants"]["a"]["content"]
    steps = make.document()["steps"]
    steps[0]["variants"] = {
        letter: {"weight": weight, "content": content} for letter, weight in (("a", 34), ("b", 33), ("c", 33))
    }
    campaign = results({"a": Arm(204, 26), "b": Arm(198, 30), "c": Arm(198, 80), "holdout": Arm(150, 20)}, steps=steps)
    keep_snapshots(campaign, every=14)
    words = review(marketer)
    assert "C is ahead" in words
    assert "Difference in upgrades, C minus A, in points, as people saw it then." in words


def test_the_list_does_not_wait_for_a_test_of_one_wording(marketer):
    steps = make.document()["steps"]
    del steps[0]["variants"]["b"]
    steps[0]["variants"]["a"]["weight"] = 100
    campaign = results({"a": Arm(100, 30), "holdout": Arm(25, 2)}, steps=steps)
    keep_snapshots(campaign, every=42)
    assert "Nothing to compare" in words_of(marketer.get(reverse("admin:studio-tests")))
