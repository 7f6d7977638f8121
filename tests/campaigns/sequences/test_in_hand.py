"""Somebody leaves while a worker has their message in hand: what has not gone does not go later."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery import begin, claim, decided, dispatch, finish, reconcile
from campaigns.delivery.claim import Held
from campaigns.delivery.models import DeliveryAttempt, Message
from campaigns.sequences import exits
from campaigns.sequences.models import Enrolment
from orchestrator import clock
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db(transaction=True)
NOW = make.NOW
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def held() -> list[Held]:
    """The first message, in a worker's hand."""
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None)
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    return claim.claim_messages(channel="email", size=5, worker="one", wall_now=clock.wall_now())


def leaves(reason: str = "REFUSED") -> None:
    assert exits.end_enrolments(enrolment_ids=[Enrolment.objects.get().pk], reason=reason, now=NOW) == 1


def fate() -> tuple[str, str]:
    """What becomes of it when another worker looks an hour later."""
    claim.make_ready(now=LATER, wall_now=clock.wall_now())
    dispatch.dispatch_due(channel="email", now=LATER, worker="two")
    message = Message.objects.get()
    return message.state, message.reason


def test_one_that_was_put_back_is_skipped_for_the_reason_of_the_exit(held):
    leaves()
    claim.release(held=held, next_at=clock.wall_now())
    assert fate() == ("SKIPPED", "REFUSED")


def test_one_whose_worker_died_is_skipped_for_the_reason_of_the_exit(held):
    leaves("LEFT_SEGMENT")
    Message.objects.update(lease_until=clock.wall_now() - timedelta(minutes=1))
    reconcile.reconcile(now=NOW, wall_now=clock.wall_now())
    assert fate() == ("SKIPPED", "LEFT_SEGMENT")


def test_one_that_is_about_to_be_sent_is_skipped(held):
    leaves()
    verdicts = begin.begin_send(held=held, topics={}, now=NOW, wall_now=clock.wall_now())
    assert [(one.state, one.reason) for one in verdicts.values()] == [("SKIPPED", "REFUSED")]


def granted(held: list[Held]) -> None:
    """It is being sent: the decision fell before the exit."""
    wall_now = clock.wall_now()
    verdicts = {one.id: decided.SENDING for one in held}
    decided.write(held=held, verdicts=verdicts, now=NOW, wall_now=wall_now)
    decided.write_attempts(held=held, requests={}, wall_now=wall_now)


def test_one_that_the_provider_was_too_busy_for_is_not_tried_again(held):
    granted(held)
    leaves()
    busy = finish.Answer(held[0].id, held[0].attempt, DeliveryAttempt.Outcome.BUSY, code="429")
    finish.finish(answers=[busy], now=NOW, wall_now=clock.wall_now() - timedelta(minutes=9))
    assert fate() == ("SKIPPED", "REFUSED")


def test_one_that_goes_at_least_once_is_not_repeated(held):
    granted(held)
    leaves()
    Message.objects.update(
        state="UNKNOWN",
        policy="AT_LEAST_ONCE",
        channel="webhook",
        lease_until=None,
        unknown_at=clock.wall_now() - timedelta(minutes=1),
    )
    reconcile.reconcile(now=NOW, wall_now=clock.wall_now())
    assert Message.objects.get().state == "READY"
    Message.objects.update(channel="email")
    assert fate() == ("SKIPPED", "REFUSED")


def test_one_that_had_gone_has_gone(held):
    granted(held)
    leaves()
    accepted = finish.Answer(held[0].id, held[0].attempt, DeliveryAttempt.Outcome.ACCEPTED, provider_id="p")
    finish.finish(answers=[accepted], now=NOW, wall_now=clock.wall_now())
    message = Message.objects.get()
    assert (message.state, message.reason, message.taken_back) == ("ACCEPTED", "", "REFUSED")
