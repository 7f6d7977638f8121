"""Whoever can't go on from a step has all steps behind them, and it is told why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from campaigns.console import contact_words
from campaigns.segments import refresh
from campaigns.sequences import enrol, launch, selectors
from campaigns.sequences.models import Enrolment, StepRun
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
MAIL, WAIT, *_ = make.document()["steps"]


def enrolled(*steps: dict) -> Enrolment:
    """Past the review, which lets no circle through."""
    make.market()
    make.ready_account()
    campaign = make.drafted(holdout_percent=None, exit_on=[], steps=[MAIL, *steps])
    assert campaign.edited_segment is not None
    refresh.refresh_segment(segment=campaign.edited_segment, now=NOW)
    launch._go_live(campaign.pk, "dana", NOW, "", None)
    assert enrol.enrol_audience(campaign=campaign, now=NOW).enrolled == 1
    return Enrolment.objects.get()


def test_at_a_step_that_is_gone():
    row = enrolled(WAIT)
    Enrolment.objects.update(step_key="mail-9", due_at=NOW)
    make.go_on(now=NOW)
    assert selectors.steps_skipped(campaign=row.campaign) == {"STEP_GONE": 1}
    assert StepRun.objects.filter(outcome="SKIPPED").values_list("step_key", "reason").get() == ("mail-9", "STEP_GONE")


def test_in_a_circle_without_time():
    named = {"kind": "BRANCH", "if": {"field": "account.name", "op": "is_set"}, "else": "end"}
    there, back = named | {"key": "there", "then": "back"}, named | {"key": "back", "then": "there"}
    row = enrolled(WAIT, there, back, {"key": "end", "kind": "EXIT"})
    make.go_on(now=NOW + timedelta(days=4))
    assert selectors.steps_skipped(campaign=row.campaign) == {"LOOP": 1}


@pytest.mark.parametrize("reason", ["LOOP", "STEP_GONE"])
def test_it_is_told_in_words(reason):
    with translation.override("en"):
        assert contact_words.reason_sentence(reason, "").endswith("so it ended there.")
