from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import override_settings

from campaigns.delivery import reconcile
from campaigns.delivery.models import DeliveryAttempt, IntakeWatch, Message, ProviderEvent
from tests.factories.delivery import NOW, MessageFactory

pytestmark = pytest.mark.django_db

WALL = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
State = Message.State


def run(wall=WALL):
    return reconcile.reconcile(now=NOW, wall_now=wall)


def keep_intake_alive(*, since, until=WALL):
    IntakeWatch.objects.create(id=1, since=since, seen_at=until)


def report(message, kind="DELIVERED"):
    return ProviderEvent.objects.create(
        received_at=WALL, provider="sendgrid", key=uuid4().bytes, type=kind, at=NOW, message=message.uuid
    )


def state_of(message):
    message.refresh_from_db()
    return message.state


def claimed(**changes):
    return MessageFactory(state=State.CLAIMED, attempt=1, lease_until=WALL - timedelta(seconds=1), **changes)


def sending(**changes):
    return MessageFactory(state=State.SENDING, attempt=1, lease_until=WALL - timedelta(seconds=1), **changes)


def unknown(*, age=timedelta(hours=2), **changes):
    return MessageFactory(state=State.UNKNOWN, attempt=1, unknown_at=WALL - age, **changes)


def test_a_claim_whose_lease_ran_out_may_be_claimed_again():
    message = claimed()

    run()

    assert state_of(message) == State.READY
    assert message.next_at == WALL


def test_a_lease_that_still_runs_is_left_alone():
    message = MessageFactory(state=State.CLAIMED, attempt=1, lease_until=WALL + timedelta(seconds=1))

    run()

    assert state_of(message) == State.CLAIMED


def test_a_send_whose_lease_ran_out_is_unknown_and_never_ready():
    message = sending()

    run()

    assert state_of(message) == State.UNKNOWN
    assert message.unknown_at == WALL


@pytest.mark.parametrize("kind", ["PROCESSED", "DELIVERED", "BOUNCED", "DROPPED", "CLICKED"])
def test_any_report_proves_that_the_provider_took_it(kind):
    message = unknown()
    report(message, kind)

    run()

    assert state_of(message) == State.ACCEPTED


def test_a_word_we_do_not_know_proves_nothing():
    message = unknown()
    report(message, "UNKNOWN")

    run()

    assert state_of(message) == State.UNKNOWN


def test_an_answer_that_came_too_late_for_its_fence_is_evidence():
    message = unknown()
    DeliveryAttempt.objects.create(message=message, number=1, started_at=WALL, outcome="ACCEPTED")

    run()

    assert state_of(message) == State.ACCEPTED


def test_after_a_silent_window_an_offer_is_undetermined():
    message = unknown()
    keep_intake_alive(since=WALL - timedelta(hours=5))

    run()

    assert state_of(message) == State.UNDETERMINED


def test_after_a_silent_window_a_receipt_is_sent_again():
    message = unknown(policy="AT_LEAST_ONCE")
    keep_intake_alive(since=WALL - timedelta(hours=5))

    run()

    assert state_of(message) == State.READY


def test_within_the_window_nothing_is_given_up():
    message = unknown(age=timedelta(minutes=59))
    keep_intake_alive(since=WALL - timedelta(hours=5))

    run()

    assert state_of(message) == State.UNKNOWN


def test_the_window_counts_only_from_when_intake_came_back():
    message = unknown(age=timedelta(hours=8))
    keep_intake_alive(since=WALL - timedelta(minutes=30))

    run()

    assert state_of(message) == State.UNKNOWN


def test_a_gap_between_beats_starts_the_window_anew():
    message = unknown(age=timedelta(hours=8))
    keep_intake_alive(since=WALL - timedelta(hours=8), until=WALL - timedelta(seconds=16))

    run()

    assert state_of(message) == State.UNKNOWN
    assert IntakeWatch.objects.get().since == WALL


def test_evidence_that_comes_late_corrects_what_was_given_up():
    message = MessageFactory(state=State.UNDETERMINED, attempt=1, ended_at=NOW - timedelta(days=1))
    report(message)

    run()

    assert state_of(message) == State.ACCEPTED


@override_settings(EVIDENCE_WINDOW_EMAIL_S=10)
def test_the_window_is_a_setting():
    message = unknown(age=timedelta(seconds=11))
    keep_intake_alive(since=WALL - timedelta(seconds=60))

    run()

    assert state_of(message) == State.UNDETERMINED


def test_running_it_again_changes_nothing():
    for message in (claimed(), sending(), unknown()):
        report(message)
    run()
    before = list(Message.objects.order_by("pk").values())

    assert not run(WALL + timedelta(seconds=5))
    assert list(Message.objects.order_by("pk").values()) == before
