"""What may be decided about a test that says nothing clear, or nothing good."""

from __future__ import annotations

import pytest
import time_machine

from campaigns.experiments.models import Experiment
from campaigns.operations.models import AuditEntry
from tests.campaigns.console.reading import words_of
from tests.campaigns.console.reviewing import (
    DATA_PROBLEM,
    HARM,
    HOLDOUT_PERCENT,
    LATER,
    NO_DIFFERENCE,
    NOT_YET,
    OPT_OUTS,
    choose,
    has_come_to,
    winner,
)
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def scene(shared_rows):
    make.launched(holdout_percent=HOLDOUT_PERCENT)


@pytest.fixture(autouse=True)
def six_weeks_later(scene):
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.mark.parametrize(
    ("arms", "planned", "why"),
    [
        (NOT_YET, 1000, "B can’t be chosen now. Not clear yet: about 700 more accounts are needed."),
        (NO_DIFFERENCE, 350, "B can’t be chosen now. No difference could be shown. A stays."),
        (HARM, 0, "B can’t be chosen now. B does harm: fewer accounts upgrade."),
        (OPT_OUTS, 0, "B can’t be chosen now. B does harm: more people unsubscribe."),
        (DATA_PROBLEM, 0, "B can’t be chosen now. Don’t read the result yet: the split is not as planned."),
    ],
)
def test_no_winner_before_its_conditions(marketer, arms, planned, why):
    has_come_to(arms, planned=planned)
    response = choose(marketer, "b", reason="I like it.")
    assert response.status_code == 409
    assert why in words_of(response)
    assert Experiment.objects.get().status == "RUNNING"


def test_a_test_can_end_without_a_winner(marketer):
    has_come_to(NOT_YET)
    choose(marketer, "a", reason="The season is over.")
    experiment = Experiment.objects.get()
    assert (winner(), experiment.decision_reason) == ("a", "The season is over.")


def test_keeping_it_running_is_remembered(marketer):
    has_come_to(NOT_YET)
    response = choose(marketer, "keep", reason="range includes zero")
    entry = AuditEntry.objects.get(action="experiment.keep_running")
    assert (entry.actor, entry.reason) == ("maria", "range includes zero")
    assert "maria looked and kept it running: “range includes zero”" in words_of(response)
