from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.billing.models import MrrMovement
from campaigns.usage import announce
from campaigns.usage.models import UsageEvent
from tests.factories.billing import MrrMovementFactory, PlanFactory
from tests.factories.usage import NOW
from tests.settled import wait_until_settled

YESTERDAY = NOW - timedelta(days=1)


@pytest.mark.django_db(transaction=True)
def test_a_change_of_plan_becomes_one_event_of_the_account():
    basic, team = PlanFactory(code="basic"), PlanFactory(code="team")
    moved = MrrMovementFactory(kind=MrrMovement.Kind.EXPANSION, from_plan=basic, to_plan=team, at=YESTERDAY)
    wait_until_settled()
    assert announce.announce_plan_changes(now=NOW) == 1
    assert announce.announce_plan_changes(now=NOW) == 0
    event = UsageEvent.objects.get()
    assert (event.name, event.account_id, event.contact_id, event.at) == (
        "crescendo.plan_changed", moved.account_id, None, YESTERDAY,
    )  # fmt: skip
    assert event.properties == {"from": "basic", "to": "team", "kind": "EXPANSION"}


@pytest.mark.django_db(transaction=True)
def test_an_end_without_a_new_plan_is_a_change_too():
    MrrMovementFactory(kind=MrrMovement.Kind.CHURN, from_plan=PlanFactory(code="basic"), to_plan=None, delta=-10)
    wait_until_settled()
    announce.announce_plan_changes(now=NOW)
    assert UsageEvent.objects.get().properties == {"from": "basic", "to": None, "kind": "CHURN"}


@pytest.mark.django_db(transaction=True)
def test_a_first_plan_and_more_seats_of_the_same_one_are_no_change():
    basic = PlanFactory(code="basic")
    MrrMovementFactory(kind=MrrMovement.Kind.NEW, from_plan=None, to_plan=basic)
    MrrMovementFactory(kind=MrrMovement.Kind.EXPANSION, from_plan=basic, to_plan=basic)
    wait_until_settled()
    assert announce.announce_plan_changes(now=NOW) == 0
