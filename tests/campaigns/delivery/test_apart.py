"""One message that cannot be made or begun stops no other, and is not lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, OperationalError, transaction

from campaigns.delivery import apart, arbitration, begin, decided, dispatch, jobs, objections
from campaigns.delivery.decided import SENDING
from campaigns.delivery.models import AttentionBudget, DeliveryAttempt, Message
from orchestrator import clock
from orchestrator.channels import memory, registry
from orchestrator.channels.contract import Refusal
from tests.factories.delivery import NOW, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory

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


@pytest.mark.parametrize("channel", ["email", "in_app", "csm_task"])
@pytest.mark.parametrize("break_it", [cannot_be_made, cannot_be_begun])
def test_the_others_go_and_the_one_is_put_off_with_its_fault(break_it, channel):
    messages = [ReadyMessageFactory(channel=channel) for _ in range(3)]
    break_it(messages[1])

    send(channel)

    assert states() == ["ACCEPTED", "READY", "ACCEPTED"]
    attempt = DeliveryAttempt.objects.get(message=messages[1])
    assert (attempt.outcome, attempt.code) == ("BUSY", arbitration.FAULT)
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


def together(claimed, act):
    return apart.together(claimed, act=act, held_of=lambda one: one, now=NOW)


def of_one_campaign(count):
    fields = {"gate": SendGateFactory(), "template_version": TemplateVersionFactory()}
    return [ReadyMessageFactory(**fields) for _ in range(count)]


def claim_all():
    return dispatch._claim("email", 100, "tests")


def test_who_fails_is_put_off_and_then_the_others_are_decided_on_together():
    messages = of_one_campaign(8)
    bad = messages[2].pk
    done = []

    def act(part, is_rehearsal):
        if bad in [one.id for one in part]:
            raise ArithmeticError
        done.append((len(part), is_rehearsal, Message.objects.get(pk=bad).state))
        return len(part)

    assert together(claim_all(), act) == 7
    assert done == [(2, True, "CLAIMED"), (1, True, "READY"), (4, True, "READY"), (7, False, "READY")]


def test_what_goes_in_parts_and_not_together_goes_in_its_largest_part():
    ids = [one.pk for one in of_one_campaign(8)]
    claimed = claim_all()

    def act(part, _is_rehearsal):
        if len(part) > 4 or ids[0] in [one.id for one in part]:
            raise ArithmeticError
        return [one.id for one in part]

    assert together(claimed, act) == ids[4:]
    assert states() == ["READY"] * 4 + ["CLAIMED"] * 4


def test_where_nothing_of_a_campaign_goes_the_rest_of_it_is_put_back_and_the_others_go(monkeypatch):
    monkeypatch.setattr(apart, "IN_A_ROW", 5)
    bad, good = of_one_campaign(8), of_one_campaign(2)
    theirs = {one.pk for one in bad}

    def act(part, _is_rehearsal):
        if theirs & {one.id for one in part}:
            raise ArithmeticError
        return [one.id for one in part]

    assert together(claim_all(), act) == [one.pk for one in good]
    assert set(DeliveryAttempt.objects.values_list("message", flat=True)) == {bad[0].pk, bad[1].pk}
    assert states() == ["READY"] * 8 + ["CLAIMED"] * 2
    assert list(Message.objects.order_by("pk").values_list("attempt", flat=True)) == [1, 1, 0, 0, 0, 0, 0, 0, 1, 1]


def test_however_long_a_try_takes_somebody_is_settled_by_as_few_as_possible(monkeypatch):
    monkeypatch.setattr(apart, "APART_S", 0.0)
    messages = [*of_one_campaign(4), *of_one_campaign(4)]
    tried = []

    def act(part, _is_rehearsal):
        tried.append(len(part))
        raise ArithmeticError

    together(claim_all(), act)

    assert tried == [8, 4, 2, 1]
    assert DeliveryAttempt.objects.get().message_id in (messages[0].pk, messages[4].pk)


def test_a_database_that_is_away_is_no_messages_fault():
    of_one_campaign(2)

    def act(_part, _is_rehearsal):
        raise OperationalError("the connection is closed")

    with pytest.raises(OperationalError):
        together(claim_all(), act)
    assert states() == ["CLAIMED", "CLAIMED"]


def test_what_goes_well_costs_no_statement_more(django_assert_num_queries):
    of_one_campaign(2)
    claimed = claim_all()
    with django_assert_num_queries(0):
        assert together(claimed, lambda part, _is_rehearsal: len(part)) == 2


def test_a_rehearsal_decides_and_keeps_nothing():
    message = ReadyMessageFactory()
    claimed = claim_all()

    verdicts = begin.begin_send(held=claimed, topics={}, now=NOW, wall_now=clock.wall_now(), is_rehearsal=True)

    assert verdicts == {message.pk: SENDING}
    assert states() == ["CLAIMED"]
    assert (DeliveryAttempt.objects.count(), AttentionBudget.objects.count()) == (0, 0)


def test_a_rehearsal_finds_what_only_the_end_of_a_transaction_would():
    with pytest.raises(IntegrityError), transaction.atomic():
        DeliveryAttempt.objects.create(message_id=0, number=1, started_at=NOW)
        decided.take_back()


@pytest.mark.parametrize("minutes", [0, 4, 6])
def test_nobody_loses_to_what_does_not_go(minutes, monkeypatch):
    """However shortly before its next try."""
    bad = ReadyMessageFactory(expected_value=900)
    cannot_be_made(bad)
    send()
    wall_now = clock.wall_now() + timedelta(minutes=minutes)
    monkeypatch.setattr(clock, "wall_now", lambda: wall_now)

    good = ReadyMessageFactory(account=bad.account, expected_value=1)
    send()

    good.refresh_from_db()
    assert good.state == State.ACCEPTED


def test_a_rival_in_another_workers_hand_whose_last_try_failed_beats_nobody():
    bad = ReadyMessageFactory(expected_value=900)
    cannot_be_made(bad)
    send()
    Message.objects.filter(pk=bad.pk).update(next_at=clock.wall_now())
    claim_all()

    good = ReadyMessageFactory(account=bad.account, expected_value=1)
    send()

    good.refresh_from_db()
    assert good.state == State.ACCEPTED


def test_who_was_planned_first_does_not_lose_to_one_of_the_same_claim_that_cannot_be_begun(monkeypatch):
    monkeypatch.setattr(memory.MemoryChannel, "in_flight", 2)
    good = ReadyMessageFactory(expected_value=1)
    bad = ReadyMessageFactory(account=good.account, expected_value=900)
    real = decided.write_attempts

    def write_attempts(*, held, **given):
        if bad.pk in [one.id for one in held]:
            raise ArithmeticError
        real(held=held, **given)

    monkeypatch.setattr(decided, "write_attempts", write_attempts)

    send()

    assert states() == ["ACCEPTED", "READY"]


def test_whose_own_row_cannot_be_read_is_no_rival():
    bad = ReadyMessageFactory(expected_value=900, next_at=clock.wall_now() + timedelta(minutes=5))
    AttentionBudget.objects.create(contact=bad.contact, spent=["no list of sends"])
    ReadyMessageFactory(account=bad.account, expected_value=1)

    send()

    assert states() == ["READY", "ACCEPTED"]


def test_it_is_tried_once_more_shortly_before_it_is_too_late():
    message = ReadyMessageFactory(send_by=NOW + timedelta(minutes=3))
    cannot_be_made(message)

    send()

    message.refresh_from_db()
    assert message.next_at == DeliveryAttempt.objects.get().started_at + timedelta(minutes=2)
