"""What is decided about a test in which one wording is ahead."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from campaigns.console import experiment_page
from campaigns.experiments.models import Assignment, Experiment
from campaigns.operations.models import AuditEntry
from tests.campaigns.console.reading import words_of
from tests.campaigns.console.reviewing import AHEAD, LATER, choose, results, review, winner

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def ahead(shared_rows):
    with time_machine.travel(LATER, tick=False):
        results(AHEAD)


@pytest.fixture(autouse=True)
def six_weeks_later(ahead):
    with time_machine.travel(LATER, tick=False):
        yield


def test_the_winner_is_chosen_with_name_time_and_reason(marketer):
    response = choose(marketer, "b", reason="Own numbers work.")
    experiment = Experiment.objects.get()
    assert (experiment.status, winner(), experiment.decided_by) == ("DECIDED", "b", "maria")
    assert "Decided: B for everybody who enters." in words_of(response)
    assert "maria chose B: “Own numbers work.”" in words_of(response)


def test_a_winner_needs_a_reason(marketer):
    response = choose(marketer, "b", reason="  ")
    assert response.status_code == 422
    assert "Say in a few words why." in words_of(response)
    assert Experiment.objects.get().status == "RUNNING"


def test_a_second_decision_is_refused(marketer):
    choose(marketer, "b", reason="Own numbers work.")
    response = choose(marketer, "a", reason="No, the other.")
    assert "This test is decided already." in words_of(response)
    assert winner() == "b"


def test_accounts_drawn_after_the_decision_are_not_counted(marketer):
    experiment = Experiment.objects.get()
    choose(marketer, "b", reason="Own numbers work.")
    late = Assignment.objects.filter(variant__key="b").earliest("pk")
    Assignment.objects.filter(pk=late.pk).update(at=LATER + timedelta(hours=1))
    experiment.refresh_from_db()
    read, _, stages = experiment_page.read_test(experiment=experiment, now=LATER + timedelta(days=30))
    assert [arm.assigned for arm in read.arms] == [200, 199]
    assert stages["b"].sent == 189


def test_who_may_only_look_is_offered_no_decision(onlooker):
    words = review(onlooker)
    assert "B is ahead" in words
    assert "Choose B…" not in words
    assert choose(onlooker, "b", reason="x").status_code == 403


def test_a_decided_test_is_not_kept_running(marketer):
    choose(marketer, "b", reason="Own numbers work.")
    words = words_of(choose(marketer, "keep"))
    assert "This test is decided already." in words
    assert "KEEP" not in words


def test_a_test_message_is_no_decision(marketer):
    AuditEntry.objects.create(at=LATER, actor="maria", action="campaign.test_send", subject="campaign:seats-80")
    assert "test_send" not in review(marketer)
