"""After a time-out any report about one message of a request proves that the provider took all of them."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from campaigns.delivery import reconcile
from campaigns.delivery.models import IntakeWatch, Message, ProviderEvent
from orchestrator import clock
from tests.campaigns.delivery.test_batches import Service, messages_to, send, sending_by, states
from tests.contracts import provider
from tests.factories.delivery import NOW

pytestmark = pytest.mark.django_db(transaction=True)

State = Message.State


class TakesAndHangsUp(Service):
    """Takes the request as a whole and lets the caller wait for an answer that never comes."""

    def answer(self, received):
        super().answer(received)
        return provider.HANG


def told(message, kind="DELIVERED", *, attempt=1):
    ProviderEvent.objects.create(
        received_at=clock.wall_now(),
        provider="sendgrid",
        key=uuid4().bytes,
        type=kind,
        at=NOW,
        message=message.uuid,
        attempt=attempt,
    )


def settle():
    """All evidence windows are over."""
    wall = clock.wall_now()
    later = wall + timedelta(hours=2)
    IntakeWatch.objects.update_or_create(id=1, defaults={"since": wall - timedelta(hours=2), "seen_at": later})
    reconcile.reconcile(now=NOW, wall_now=later)


def test_after_a_time_out_a_report_about_one_proves_that_all_of_the_request_were_taken():
    box = TakesAndHangsUp()
    messages = messages_to("A", "B", "C")
    with sending_by(box.answer, timeout_s=0.3):
        send()
    assert states(messages) == [State.UNKNOWN] * 3
    assert len(box.box.accepted) == 3

    told(messages[1])
    settle()

    assert states(messages) == [State.ACCEPTED] * 3


def test_without_any_report_all_of_the_request_are_undetermined_and_a_late_one_settles_all():
    messages = messages_to("A", "B", "C")
    with sending_by(provider.HANG, timeout_s=0.3):
        send()
        send()
    settle()
    assert states(messages) == [State.UNDETERMINED] * 3

    told(messages[2], "BOUNCED")
    settle()

    assert states(messages) == [State.ACCEPTED] * 3


def test_a_report_about_another_attempt_or_in_an_unknown_word_proves_nothing_about_the_neighbours():
    messages = messages_to("A", "B", "C")
    with sending_by(provider.HANG, timeout_s=0.3):
        send()
    told(messages[0], attempt=2)
    told(messages[1], "UNKNOWN")

    settle()

    assert states(messages) == [State.ACCEPTED, State.UNDETERMINED, State.UNDETERMINED]


def test_each_half_of_a_divided_batch_is_proven_by_its_own_reports_alone():
    """Nobody was named, so the batch was halved; one half was taken and the answer to the other never came."""
    box, calls = Service(), []
    messages = messages_to(*"ABCD")

    def answer(received):
        calls.append(len(received.json["personalizations"]))
        if len(calls) == 1:
            return provider.Reply.of_json({"errors": [{"message": "Bad Request", "field": None}]}, 400)
        return box.answer(received) if len(calls) == 2 else provider.HANG

    with sending_by(answer, timeout_s=0.5):
        send()
    assert calls[0] == 4
    reached = [box.arrived(message) != [] for message in messages]
    assert sorted(reached) == [False, False, True, True]

    told(messages[reached.index(True)])
    settle()

    assert states(messages) == [State.ACCEPTED if one else State.UNDETERMINED for one in reached]


def test_a_receipt_is_not_sent_again_once_a_neighbour_was_reported():
    """At least once: the proof is asked for under the locks too, before anything goes a second time."""
    messages = messages_to("A", "B", purpose="TRANSACTIONAL", policy="AT_LEAST_ONCE")
    with sending_by(provider.HANG, timeout_s=0.3):
        send()
    Message.objects.update(state=State.READY, next_at=clock.wall_now(), unknown_at=None)
    told(messages[0])

    again: list[object] = []

    def answer(received):
        again.append(received)
        return provider.HANG

    with sending_by(answer, timeout_s=0.3):
        send()

    assert again == []
    assert states(messages) == [State.ACCEPTED] * 2
