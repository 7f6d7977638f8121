"""One message that cannot be made or begun stops no other, and is not lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError

from campaigns.delivery import apart, dispatch, jobs, objections, shipments
from campaigns.delivery.models import AttentionBudget, DeliveryAttempt, Message
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.channels.contract import Refusal
from tests.factories.delivery import NOW, ReadyMessageFactory

pytestmark = pytest.mark.django_db

State = Message.State


@pytest.fixture(autouse=True)
def outbox():
    box = registry.outbox("email")
    box.clear()
    yield box
    box.clear()


def send(channel="email", now=NOW):
    return dispatch.dispatch_due(channel=channel, now=now, worker="tests")


def states():
    return list(Message.objects.order_by("pk").values_list("state", flat=True))


def cannot_be_made(message):
    Message.objects.filter(pk=message.pk).update(context=["no mapping"])


def cannot_be_begun(message):
    AttentionBudget.objects.create(account=message.account, spent=["no list of sends"])


@pytest.mark.parametrize("channel", ["email", "in_app"])
@pytest.mark.parametrize("break_it", [cannot_be_made, cannot_be_begun])
def test_the_others_go_and_the_one_is_put_off_with_its_fault(break_it, channel):
    messages = [ReadyMessageFactory(channel=channel) for _ in range(3)]
    break_it(messages[1])

    send(channel)

    assert states() == ["ACCEPTED", "READY", "ACCEPTED"]
    attempt = DeliveryAttempt.objects.get(message=messages[1])
    assert (attempt.outcome, attempt.code) == ("BUSY", apart.FAULT)
    assert "Error" in attempt.detail


def test_it_goes_once_the_fault_is_mended_and_has_taken_nobodys_attention_before(outbox):
    message = ReadyMessageFactory()
    cannot_be_begun(message)
    send()
    assert send() == {}, "It waits for its next try."
    assert AttentionBudget.objects.get(account=message.account).spent == ["no list of sends"]
    assert not AttentionBudget.objects.filter(contact=message.contact).exists()

    AttentionBudget.objects.all().delete()
    Message.objects.update(next_at=clock.wall_now())
    send()

    message.refresh_from_db()
    assert (message.state, message.attempt, len(outbox.sent)) == (State.ACCEPTED, 2, 1)


def test_past_its_deadline_it_has_come_to_its_end():
    message = ReadyMessageFactory(send_by=NOW - timedelta(seconds=1))
    cannot_be_made(message)

    send()

    message.refresh_from_db()
    assert (message.state, message.ended_at) == (State.EXPIRED, NOW)


def test_what_failed_after_it_was_begun_is_not_tried_again(outbox):
    """The answer cannot be written down: nobody knows what became of it."""
    ReadyMessageFactory()
    outbox.misbehave(Refusal("No.\0", code="400"))

    with pytest.raises(DataError):
        send()
    send()

    assert states() == ["SENDING"]
    assert (DeliveryAttempt.objects.get().outcome, outbox.sent) == ("STARTED", [])


def test_one_channel_that_fails_keeps_no_other_from_its_turn(monkeypatch):
    mail = ReadyMessageFactory(send_by=None)
    for channel, fields in (("sms", {"contact__phone": "+972541234567"}), ("in_app", {})):
        ReadyMessageFactory(channel=channel, send_by=None, **fields)

    def wait_in_vain(message_ids):
        if mail.pk in message_ids:
            raise OperationalError("canceling statement due to lock timeout")
        return {}

    monkeypatch.setattr(objections, "_asked", [wait_in_vain])
    monkeypatch.setattr(clock, "utcnow", lambda: NOW)

    with pytest.raises(ExceptionGroup):
        jobs.dispatch()

    assert states() == ["CLAIMED", "ACCEPTED", "ACCEPTED"]


def by_halves(whole, act):
    return list(apart.by_halves(whole, halve=apart.halves_of, act=act, held_of=lambda part: part, now=NOW))


def held(count):
    messages = [ReadyMessageFactory() for _ in range(count)]
    return dispatch._claim("email", count, "tests"), messages


def test_each_part_comes_to_its_end_before_the_next():
    claimed, messages = held(8)
    bad = messages[2].pk

    def act(part):
        if bad in [one.id for one in part]:
            raise ArithmeticError
        return [one.id - messages[0].pk for one in part]

    assert by_halves(claimed, act) == [[0, 1], [3], [4, 5, 6, 7]]


def test_where_nothing_goes_the_rest_is_put_back_as_it_was(monkeypatch):
    monkeypatch.setattr(apart, "IN_A_ROW", 5)
    claimed, messages = held(8)

    def act(_part):
        raise ArithmeticError

    assert by_halves(claimed, act) == []
    tried = set(DeliveryAttempt.objects.values_list("message", flat=True))
    assert tried == {messages[0].pk, messages[1].pk}
    assert states() == ["READY"] * 8
    assert list(Message.objects.order_by("pk").values_list("attempt", flat=True)) == [1, 1, 0, 0, 0, 0, 0, 0]


def test_however_long_a_try_takes_somebody_is_settled(monkeypatch):
    monkeypatch.setattr(apart, "APART_S", 0.0)
    claimed, messages = held(4)

    def act(_part):
        raise ArithmeticError

    by_halves(claimed, act)

    assert DeliveryAttempt.objects.get().message_id == messages[0].pk


def test_a_database_that_is_away_is_no_messages_fault():
    claimed, _ = held(2)

    def act(_part):
        raise OperationalError("the connection is closed")

    with pytest.raises(OperationalError):
        by_halves(claimed, act)
    assert states() == ["CLAIMED", "CLAIMED"]


def test_a_request_of_many_is_halved_into_two():
    halve: Any = shipments.halve
    assert halve(["ab", "c"]) == [["ab"], ["c"]]
    assert halve(["abc"]) == [["a"], ["bc"]]
    assert halve(["a"]) == []


def test_what_goes_well_costs_no_statement_more(django_assert_num_queries):
    claimed, _ = held(2)
    with django_assert_num_queries(0):
        assert by_halves(claimed, len) == [2]
