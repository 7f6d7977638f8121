from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns.billing.models import MrrMovement
from campaigns.delivery import claim
from campaigns.delivery.models import Message
from campaigns.profiles.models import Account
from campaigns.sequences import replan, selectors, wake
from campaigns.sequences.models import Enrolment, StepRun
from orchestrator import clock
from tests.factories import sequences as make
from tests.factories.billing import MrrMovementFactory
from tests.factories.offers import ladder

NOW = make.NOW


@pytest.fixture(scope="module")
def scene(shared_rows) -> None:
    """A planned mail whose account's facts changed: delivery skipped it instead of sending."""
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None)
    Account.objects.update(revision=3)
    Message.objects.update(state=Message.State.SKIPPED, reason=Message.Reason.FACTS_CHANGED, ended_at=NOW)


@pytest.fixture
def given_back(scene, db) -> Message:
    return Message.objects.get()


def test_a_message_given_back_is_planned_anew_with_todays_facts(given_back):
    ladder()["team"].prices.filter(currency="USD").update(unit_amount=Decimal("119.00"))
    assert replan.plan_anew(now=NOW + timedelta(hours=1)) == 1
    again = Message.objects.exclude(pk=given_back.pk).get()
    assert (again.origin_step, again.account_revision) == ("mail-1", 3)
    assert again.context["offer"]["new_monthly"] == "119.00"
    assert StepRun.objects.get(message=again).visit == 2


def test_it_is_planned_anew_once(given_back):
    replan.plan_anew(now=NOW)
    assert replan.plan_anew(now=NOW) == 0
    assert Message.objects.count() == 2


def test_the_ledger_still_sums(given_back):
    replan.plan_anew(now=NOW)
    ledger = selectors.ledger(campaign=Enrolment.objects.get().campaign, now=NOW)
    assert ledger["skips"] == {"FACTS_CHANGED": 1}
    assert (ledger["messages"]["SKIPPED"], ledger["messages"]["PLANNED"], ledger["open"]) == (1, 1, 1)


def test_who_upgraded_meanwhile_gets_nothing_more(given_back):
    MrrMovementFactory(
        subscription=given_back.account.subscriptions.get(),
        kind=MrrMovement.Kind.EXPANSION,
        delta=Decimal(70),
        at=NOW + timedelta(minutes=1),
    )
    assert replan.plan_anew(now=NOW + timedelta(hours=1)) == 0
    assert StepRun.objects.get(visit=2).reason == "CONVERTED"


def test_an_enrolment_is_not_through_while_a_message_waits_to_be_planned_anew(given_back):
    Enrolment.objects.update(step_key="", due_at=None)
    assert wake.complete_finished(now=NOW) == 0
    replan.plan_anew(now=NOW)
    Message.objects.filter(state=Message.State.PLANNED).update(state=Message.State.EXPIRED, ended_at=NOW)
    assert wake.complete_finished(now=NOW) == 1


def test_how_late_it_may_go_counts_on_from_the_first(given_back):
    replan.plan_anew(now=NOW + timedelta(hours=30))
    again = Message.objects.exclude(pk=given_back.pk).get()
    assert again.send_by == given_back.send_by


def test_one_that_is_planned_anew_after_its_deadline_expires(given_back):
    late = NOW + timedelta(days=3)
    replan.plan_anew(now=late)
    claim.make_ready(now=late, wall_now=clock.wall_now())
    assert Message.objects.exclude(pk=given_back.pk).get().state == "EXPIRED"
