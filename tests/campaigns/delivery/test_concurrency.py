from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.test import override_settings

from campaigns.consent import opt_out
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.delivery import budget, dispatch, feedback, gates, reconcile
from campaigns.delivery.models import AttentionBudget, DeliveryAttempt, Message, ProviderEvent
from orchestrator import clock
from orchestrator.channels.events import EventType
from tests.campaigns.delivery.outside import provider
from tests.campaigns.delivery.reports import report
from tests.connections import LONG_S, Worker, run_together, wait_until_blocked
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.delivery import NOW, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory
from tests.factories.profiles import AccountFactory, ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)

State = Message.State


def send() -> Counter[str]:
    return dispatch.dispatch_due(channel="email", now=NOW, worker="tests")


def make_messages(count: int, *, accounts: int | None = None) -> list[Message]:
    gate, version = SendGateFactory(), TemplateVersionFactory()
    owners = [AccountFactory() for _ in range(accounts or count)]
    return [
        ReadyMessageFactory(gate=gate, template_version=version, account=owners[n % len(owners)]) for n in range(count)
    ]


def make_budgets() -> None:
    """Of everybody a message goes to, as after a first message."""
    messages = list(Message.objects.all())
    rows = [AttentionBudget(account_id=one) for one in {message.account_id for message in messages}]
    rows += [AttentionBudget(contact_id=one) for one in {message.contact_id for message in messages}]
    AttentionBudget.objects.bulk_create(rows)


def states() -> Counter[str]:
    return Counter(Message.objects.values_list("state", flat=True))


def test_an_opt_out_that_commits_while_a_send_waits_wins():
    message = ReadyMessageFactory()
    with provider() as service:
        with transaction.atomic():
            opt_out.opt_out(point_id=message.point_id, source="test", at=NOW, now=NOW)
            worker = Worker(send)
            worker.start()
            wait_until_blocked(worker)
        worker.finish()

    message.refresh_from_db()
    assert (message.state, message.reason) == (State.SKIPPED, Message.Reason.OPTED_OUT)
    assert service.taken == []


def test_an_opt_out_waits_for_the_send_that_was_begun_before_it():
    message = ReadyMessageFactory()
    order: list[str] = []

    def say_no() -> None:
        opt_out.opt_out(point_id=message.point_id, source="test", at=NOW, now=NOW)
        order.append("opted out")

    with transaction.atomic():
        list(ContactPoint.objects.raw("SELECT * FROM consent_contactpoint WHERE id = %s FOR SHARE", [message.point_id]))
        worker = Worker(say_no)
        worker.start()
        wait_until_blocked(worker)
        order.append("begun")
    worker.finish()

    assert order == ["begun", "opted out"]


def test_a_pause_that_commits_while_a_send_waits_holds_it():
    message = ReadyMessageFactory()
    with provider() as service:
        with transaction.atomic():
            gates.pause_gate(slug=message.gate.slug, now=NOW)
            worker = Worker(send)
            worker.start()
            wait_until_blocked(worker)
        worker.finish()

    message.refresh_from_db()
    assert message.state == State.READY
    assert service.taken == []


def test_four_workers_send_each_message_once():
    messages = make_messages(40)
    with provider(wide=True) as service:
        run_together(*[send] * 4)

    assert states() == {State.ACCEPTED: 40}
    assert sorted(one.message_id for one in service.taken) == sorted(message.uuid for message in messages)


def test_four_workers_never_exceed_a_cap():
    make_messages(30, accounts=5)
    with provider(wide=True) as service:
        run_together(*[send] * 4)

    accepted = Message.objects.filter(state=State.ACCEPTED).values_list("account_id", flat=True)
    assert sorted(Counter(accepted).values()) == [1, 1, 1, 1, 1]
    assert len(service.taken) == 5
    assert states() == {State.ACCEPTED: 5, State.PLANNED: 25}
    assert all(len(one.spent) == 1 for one in AttentionBudget.objects.filter(account__isnull=False))


def test_who_makes_budgets_and_who_locks_them_never_wait_for_each_other():
    """One has seen that two budgets lack when a third party makes the first of them; another finds only the second
    lacking."""
    accounts = [AccountFactory() for _ in range(2)]
    contacts = [ContactFactory() for _ in range(2)]
    stopped, may_go_on = [threading.Event(), threading.Event()], threading.Event()

    def spend(number: int) -> None:
        seen = 0

        def stop_after_the_first(execute, sql, params, many, context):
            nonlocal seen
            seen += 1
            if seen == 2:
                stopped[number].set()
                assert may_go_on.wait(LONG_S)
            return execute(sql, params, many, context)

        with transaction.atomic(), connection.execute_wrapper(stop_after_the_first):
            ids = [account.pk for account in accounts]
            budget.lock_budgets(account_ids=ids, contact_ids=[contacts[number].pk])

    first, second = (Worker(partial(spend, number)) for number in range(2))
    first.start()
    assert stopped[0].wait(LONG_S)
    AttentionBudget.objects.create(account=accounts[0])
    second.start()
    assert stopped[1].wait(LONG_S)
    may_go_on.set()
    first.finish()
    second.finish()

    assert AttentionBudget.objects.count() == 4


@override_settings(FREQUENCY_CAPS=({"days": 1, "messages": 3},))
def test_one_contact_in_many_accounts_is_capped_as_one_person():
    contact = ContactFactory()
    gate, version = SendGateFactory(), TemplateVersionFactory()
    for _ in range(8):
        ReadyMessageFactory(gate=gate, template_version=version, contact=contact)
    with provider(wide=True) as service:
        run_together(*[send] * 4)

    assert len(service.taken) == 3


@pytest.mark.parametrize("is_known", [True, False])
@override_settings(FREQUENCY_CAPS=({"days": 1, "messages": 3},))
def test_a_mailbox_of_many_contacts_is_capped_as_one_person(is_known):
    people = [ContactFactory(email="office@acme.example") for _ in range(8)]
    point = ContactPointFactory(contact=people[0])
    ContactPoint.objects.filter(pk=point.pk).update(contact=people[0] if is_known else None)
    gate, version = SendGateFactory(), TemplateVersionFactory()
    for contact in people:
        ReadyMessageFactory(gate=gate, template_version=version, contact=contact, point=point)
    with provider(wide=True) as service:
        run_together(*[send] * 4)

    assert len(service.taken) == 3


@override_settings(FREQUENCY_CAPS=({"per": "day", "messages": 2}, {"per": "week", "messages": 3}))
def test_eight_workers_never_exceed_a_calendar_cap():
    make_messages(32, accounts=4)
    make_budgets()
    with provider(wide=True) as service:
        workers = [Worker(send) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.finish()

    accepted = Message.objects.filter(state=State.ACCEPTED).values_list("account_id", flat=True)
    assert sorted(Counter(accepted).values()) == [2, 2, 2, 2]
    assert len(service.taken) == 8
    assert set(Message.objects.filter(state=State.PLANNED).values_list("reason", flat=True)) == {"CAPPED"}


def test_of_two_campaigns_to_one_account_one_goes_however_many_workers_ask():
    accounts = [AccountFactory() for _ in range(10)]
    for account in accounts:
        ReadyMessageFactory(account=account, expected_value=10)
        ReadyMessageFactory(account=account, expected_value=90)
    make_budgets()
    with provider(wide=True) as service:
        workers = [Worker(send) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.finish()

    assert len(service.taken) == 10
    assert set(Message.objects.filter(state=State.ACCEPTED).values_list("expected_value", flat=True)) == {90}
    lost = Message.objects.filter(state=State.SKIPPED, reason="LOST_ARBITRATION", lost_to__state=State.ACCEPTED)
    assert lost.count() == 10


def test_after_a_pause_no_more_than_the_requests_in_flight_go():
    messages = make_messages(30)
    slug = messages[0].gate.slug
    paused = threading.Event()
    after: list[object] = []

    def pause(message: object) -> None:
        if paused.is_set():
            after.append(message)
        elif len(service.taken) >= 7:
            gates.pause_gate(slug=slug, now=NOW)
            connection.close()
            paused.set()

    with provider(pause, wide=True) as service:
        send()
        waiting = Message.objects.filter(state=State.READY).count()
        assert len(after) <= 5
        assert waiting == 30 - len(service.taken)
        service.at_request.clear()
        gates.open_gate(slug=slug, now=NOW)
        Message.objects.filter(state=State.READY).update(next_at=clock.wall_now())
        send()

    assert Counter(one.message_id for one in service.taken).most_common(1)[0][1] == 1
    assert states() == {State.ACCEPTED: 30}


def test_an_answer_past_its_fence_moves_nothing_but_is_found_as_evidence():
    message = ReadyMessageFactory()

    def lapse(_message: object) -> None:
        reconcile.reconcile(now=NOW, wall_now=clock.wall_now() + timedelta(seconds=60))

    with provider(lapse):
        done = send()

    assert Message.objects.get(pk=message.pk).state == State.UNKNOWN
    assert done[State.ACCEPTED] == 0
    assert DeliveryAttempt.objects.get(message=message).outcome == DeliveryAttempt.Outcome.ACCEPTED

    reconcile.reconcile(now=NOW, wall_now=clock.wall_now())
    message.refresh_from_db()
    assert message.state == State.ACCEPTED


@override_settings(DELIVERY_LEASE_S=11, PROVIDER_TIMEOUT_S=10)
def test_a_worker_with_too_little_lease_left_does_not_call():
    message = ReadyMessageFactory()

    with provider() as service:
        dispatch.dispatch_due(channel="email", now=NOW, worker="tests", seconds=0.5)

    message.refresh_from_db()
    assert service.taken == []
    assert message.state == State.READY
    assert set(DeliveryAttempt.objects.values_list("code", flat=True)) == {"lease_short"}
    assert all(one.spent == [] for one in AttentionBudget.objects.all())


def test_four_reconcilers_at_once_repair_each_message_once():
    ConsentTopicFactory()
    past = clock.wall_now() - timedelta(seconds=1)
    for message in make_messages(20):
        Message.objects.filter(pk=message.pk).update(state=State.SENDING, attempt=1, lease_until=past)
    done: list[Counter[str]] = []

    def repair() -> None:
        done.append(reconcile.reconcile(now=NOW, wall_now=clock.wall_now()))

    workers = [Worker(repair) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.finish()

    assert sum((one["UNKNOWN"] for one in done), 0) == 20
    assert states() == {State.UNKNOWN: 20}


def test_reports_repeated_and_mixed_up_in_parallel_leave_one_orderly_state():
    messages = make_messages(12)
    Message.objects.update(state=State.ACCEPTED, attempt=1, accepted_at=NOW)
    kinds = (EventType.PROCESSED, EventType.DELIVERED, EventType.BOUNCED, EventType.UNSUBSCRIBED, EventType.COMPLAINED)
    events = [
        report(kind, message=message, after=timedelta(seconds=number))
        for message in messages
        for number, kind in enumerate(kinds)
    ]

    def intake(seed: int) -> None:
        shuffled = random.Random(seed).sample(events, len(events))
        for start in range(0, len(shuffled), 7):
            feedback.store_events(events=shuffled[start : start + 7], now=NOW, wall_now=clock.wall_now())
            feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())

    workers = [Worker(partial(intake, seed)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.finish()
    feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())

    assert ProviderEvent.objects.count() == len(events)
    assert not ProviderEvent.objects.filter(applied_at__isnull=True).exists()
    facts = Message.objects.values_list("delivered_at", "bounced_at", "unsubscribed_at", "complained_at").distinct()
    assert list(facts) == [tuple(NOW + timedelta(seconds=number) for number in (1, 2, 3, 4))]
    assert set(ContactPoint.objects.filter(channel="email").values_list("reason", flat=True)) == {"COMPLAINED"}
    assert ConsentRecord.objects.filter(source="sendgrid:unsubscribed").count() == 12


def test_sends_and_opt_outs_of_the_same_people_never_lock_each_other_out():
    messages = make_messages(60)
    events = [report(EventType.UNSUBSCRIBED, message=message, at=NOW) for message in messages]

    def intake(part: int) -> None:
        mine = [event for number, event in enumerate(events) if number % 2 == part]
        for start in range(0, len(mine), 5):
            feedback.store_events(events=mine[start : start + 5], now=NOW, wall_now=clock.wall_now())

    with provider(wide=True) as service:
        workers = [*(Worker(partial(intake, part)) for part in range(2)), *(Worker(send) for _ in range(2))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.finish()
        send()

    sent = {one.message_id for one in service.taken}
    skipped = set(Message.objects.filter(state=State.SKIPPED, reason="OPTED_OUT").values_list("uuid", flat=True))
    assert sent | skipped == {message.uuid for message in messages}
    assert not sent & skipped
    assert ContactPoint.objects.filter(channel="email", is_blocked=True).count() == 60
