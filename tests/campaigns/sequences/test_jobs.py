"""A round of the second look comes to its end, whatever becomes of the jobs that go it."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from campaigns.segments.models import SegmentMembership
from campaigns.sequences import enrol, enrol_again, jobs
from campaigns.sequences.models import Campaign, Enrolment
from orchestrator.jobs import bells
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
MAIL = make.document()["steps"][0]
nobody_yet = scenes.of(scenes.campaign(MAIL), accounts=0)


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get()


@pytest.fixture
def rung(monkeypatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(bells, "ring", found.append)
    return found


def newcomers(campaign: Campaign, number: int) -> None:
    assert campaign.segment is not None
    for _ in range(number):
        SegmentMembership.objects.create(segment=campaign.segment, account=make.ready_account(), entered_at=NOW)


@nobody_yet
def test_a_second_look_that_takes_long_is_gone_on_with_by_another_job_up_to_its_end(campaign, rung, monkeypatch):
    monkeypatch.setattr(enrol, "BATCH", 2)
    newcomers(campaign, 4)
    seconds = itertools.count(step=jobs.LOOK_S / 2)
    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    for inside_then in (2, 4, 4, 4):
        jobs.look_again()
        assert Enrolment.objects.count() == inside_then
    assert rung == ["messages_due", "kept_out_due", "messages_due", "kept_out_due", "kept_out_due"]


@nobody_yet
def test_an_error_that_is_nobodys_fault_keeps_nobody_waiting_for_the_next_round(campaign, rung, monkeypatch):
    monkeypatch.setattr(enrol, "BATCH", 2)
    newcomers(campaign, 4)
    real, deadlocks = enrol.enrol_arrivals, [OperationalError("deadlock detected")]

    def meets_another(**given: Any) -> Any:
        if deadlocks:
            raise deadlocks.pop()
        return real(**given)

    monkeypatch.setattr(enrol, "enrol_arrivals", meets_another)
    with pytest.raises(OperationalError):
        jobs.look_again()
    assert rung == ["kept_out_due"]
    jobs.look_again()
    assert (Enrolment.objects.count(), enrol_again.is_broken_off()) == (2, False)


@nobody_yet
def test_where_the_round_does_not_go_on_no_other_job_is_rung_for(campaign, rung, monkeypatch):
    monkeypatch.setattr(enrol, "live_campaigns", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        jobs.look_again()
    assert rung == []


@nobody_yet
def test_a_round_whose_job_was_killed_is_ended_by_another(campaign, monkeypatch):
    monkeypatch.setattr(enrol, "BATCH", 2)
    newcomers(campaign, 4)
    jobs.end_look()
    assert not Enrolment.objects.exists()
    place = enrol_again.go_on()
    assert place is not None
    enrol_again.look_there(place=place, failed=[], now=NOW)
    jobs.end_look()
    assert (Enrolment.objects.count(), enrol_again.is_broken_off()) == (4, False)


@nobody_yet
def test_a_job_that_was_frozen_moves_no_round_that_others_have_gone_on_with(campaign, monkeypatch):
    monkeypatch.setattr(enrol, "BATCH", 2)
    newcomers(campaign, 4)
    place = enrol_again.go_on()
    assert place is not None
    assert enrol_again.go_on() is None
    enrol_again.look_there(place=place, failed=[], now=NOW)
    assert (Enrolment.objects.count(), enrol_again.is_broken_off()) == (2, False)
