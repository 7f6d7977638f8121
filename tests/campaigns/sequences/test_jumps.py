"""GOTO: leads on, or back a bounded number of times; a circle that takes no time cannot be launched."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery.models import Message
from campaigns.sequences import check, replan
from campaigns.sequences.models import StepRun
from tests.factories import sequences as make

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
MAIL, WAIT, _ASKED, BANNER, END = make.document()["steps"]


def jump(to: str, **more) -> dict:
    return {"key": "again", "kind": "GOTO", "to": to, **more}


def run_days(days: int) -> None:
    for day in range(days):
        make.go_on(now=NOW + timedelta(days=day, hours=1))


def test_it_leads_back_as_often_as_it_says_and_then_on():
    make.launched(holdout_percent=None, steps=[MAIL, WAIT, jump("mail-1", at_most=2), BANNER])
    run_days(20)
    runs = StepRun.objects.exclude(outcome="JUMPED").order_by("pk").values_list("step_key", "visit")
    assert list(runs) == [("mail-1", 1), ("mail-1", 2), ("mail-1", 3), ("banner", 3)]
    assert Message.objects.filter(origin_step="mail-1").count() == 3


def test_it_leads_over_what_stands_between():
    make.launched(holdout_percent=None, steps=[MAIL, jump("end"), BANNER, END])
    run_days(3)
    assert not Message.objects.filter(origin_step="banner").exists()


def test_a_circle_without_time_blocks_the_launch_though_it_ends():
    campaign = make.drafted(holdout_percent=None, steps=[MAIL, jump("mail-1"), BANNER])
    found = {one.code: one.level for one in check.check_campaign(campaign=campaign, now=NOW)}
    assert found["circle"] == "BLOCKER"


def test_a_circle_with_a_wait_is_worth_a_look():
    campaign = make.drafted(holdout_percent=None, steps=[MAIL, WAIT, jump("mail-1"), BANNER])
    found = {one.code: one.level for one in check.check_campaign(campaign=campaign, now=NOW)}
    assert found["leads_back"] == "WARNING"
    assert "circle" not in found


def test_each_jump_has_rounds_of_its_own():
    second = [MAIL | {"key": "mail-2"}, WAIT | {"key": "wait-2"}, jump("mail-2", at_most=2) | {"key": "again-2"}]
    make.launched(holdout_percent=None, exit_on=[], steps=[MAIL, WAIT, jump("mail-1", at_most=2), *second])
    run_days(30)
    assert Message.objects.filter(origin_step="mail-1").count() == 3
    assert Message.objects.filter(origin_step="mail-2").count() == 3
    jumps = StepRun.objects.filter(outcome="JUMPED").order_by("pk").values_list("step_key", flat=True)
    assert list(jumps) == ["again", "again", "again-2", "again-2"]


def test_a_message_that_is_planned_anew_takes_no_round():
    make.launched(holdout_percent=None, exit_on=[], steps=[MAIL, WAIT, jump("mail-1", at_most=2), BANNER])
    for _ in range(2):
        newest = Message.objects.filter(origin_step="mail-1").latest("pk")
        Message.objects.filter(pk=newest.pk).update(state="SKIPPED", reason="FACTS_CHANGED", ended_at=NOW)
        replan.plan_anew(now=NOW)
    run_days(20)
    assert Message.objects.filter(origin_step="mail-1", state="ACCEPTED").count() == 3
