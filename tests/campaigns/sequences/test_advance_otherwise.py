"""How campaigns of other steps than the common ones lead on, and many enrolments at once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.consent import opt_out
from campaigns.delivery.models import Message
from campaigns.sequences import wake
from campaigns.sequences.models import Enrolment, StepRun
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
AFTER_THE_WAIT = NOW + timedelta(days=3)


def look(at: datetime = AFTER_THE_WAIT) -> None:
    wake.wake_concerned(now=at)
    make.go_on(now=at)
    wake.complete_finished(now=at)


def test_reasons_that_the_file_does_not_name_end_nothing():
    make.launched(holdout_percent=None, exit_on=["CONVERTED"])
    Message.objects.update(state="ACCEPTED", accepted_at=NOW, ended_at=NOW)
    opt_out.opt_out(point_id=Message.objects.get().point_id, source="unsubscribe_page", at=NOW, now=NOW)
    look()
    enrolment = Enrolment.objects.get()
    assert enrolment.state == "OPEN"
    assert Message.objects.filter(origin_step="banner").exists()


def test_a_step_that_cannot_reach_the_contact_is_passed_by():
    second = make.document()["steps"][0] | {"key": "mail-2"}
    banner = make.document()["steps"][3]
    make.launched(
        holdout_percent=None,
        exit_on=["CONVERTED"],
        steps=[banner, {"key": "pause", "kind": "WAIT", "for": "1d"}, second],
    )
    enrolment = Enrolment.objects.get()
    opt_out.opt_out(
        point_id=enrolment.contact.points.get(channel="email").pk, source="unsubscribe_page", at=NOW, now=NOW
    )
    look(NOW + timedelta(days=1))
    run = StepRun.objects.get(step_key="mail-2")
    assert (run.outcome, run.reason, run.message) == (StepRun.Outcome.SKIPPED, "OPTED_OUT", None)


def test_a_branch_may_lead_back():
    mail = make.document()["steps"][0]
    make.launched(
        holdout_percent=None,
        steps=[
            mail,
            {"key": "pause", "kind": "WAIT", "for": "1d"},
            {"key": "again", "kind": "BRANCH", "if": {"all": []}, "then": "mail-1"},
        ],
    )
    look(NOW + timedelta(days=1))
    look(NOW + timedelta(days=2))
    assert sorted(StepRun.objects.values_list("step_key", "visit")) == [("mail-1", 1), ("mail-1", 2), ("mail-1", 3)]


@scenes.of(accounts=0)
def test_the_number_of_statements_does_not_grow_with_the_enrolments():
    counts = []
    for number in (3, 30):
        for _ in range(number):
            make.ready_account()
        make.launched(holdout_percent=None, slug=f"seats-{number}")
        with CaptureQueriesContext(connection) as statements:
            assert make.go_on(now=AFTER_THE_WAIT).planned >= number
        counts.append(len(statements))
        Enrolment.objects.update(due_at=None)
    assert counts[0] == counts[1]
