"""Leases are counted on each host's own clock. One that is an hour ahead or behind doubles nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connections

from campaigns.delivery import begin, claim, reconcile
from campaigns.delivery.models import IntakeWatch, Message
from orchestrator import clock
from tests.campaigns.delivery.test_batches import Service, messages_to, send, sending_by
from tests.contracts import provider
from tests.factories.delivery import NOW

pytestmark = pytest.mark.django_db(transaction=True)

State = Message.State
SKEWS = [timedelta(hours=1), timedelta(hours=-1)]
POLICIES = ["AT_MOST_ONCE", "AT_LEAST_ONCE"]
true_time = clock.wall_now


def three(policy: str) -> list[Message]:
    messages = messages_to("Ada", "Bea", "Cid")
    Message.objects.update(policy=policy)
    return messages


def work(wall_now) -> list[claim.Held]:
    """What a host does at such a time: repair, and claim what there is."""
    reconcile.reconcile(now=NOW, wall_now=wall_now)
    return claim.claim_messages(channel="email", size=10, worker="other", wall_now=wall_now)


def send_while(messages, other_clock, *, size):
    """Send, with another host at work while the first request is under way. Returns what arrived of each."""
    service = Service()
    taken: list[list[claim.Held]] = []

    def before():
        try:
            taken.extend(work(other_clock() + timedelta(seconds=seconds)) for seconds in (0, 5, 10))
        finally:
            connections.close_all()

    service.before = before
    with sending_by(service.answer, size=size):
        send()
    assert not any(taken)
    return [len(service.arrived(one)) for one in messages]


def states():
    return set(Message.objects.values_list("state", flat=True))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("skew", SKEWS, ids=["ahead", "behind"])
def test_one_whose_clock_is_wrong_takes_nothing_that_another_has_under_way(skew, policy):
    messages = three(policy)

    arrived = send_while(messages, lambda: true_time() + skew, size=1000)

    work(true_time())
    assert (arrived, states()) == ([1, 1, 1], {State.ACCEPTED})


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("skew", SKEWS, ids=["ahead", "behind"])
def test_from_one_whose_clock_is_wrong_nobody_takes_what_it_has_under_way(skew, policy, monkeypatch):
    messages = three(policy)
    Message.objects.update(next_at=true_time() - timedelta(hours=2))
    monkeypatch.setattr(clock, "wall_now", lambda: true_time() + skew)

    arrived = send_while(messages, true_time, size=1000)

    work(true_time())
    assert (arrived, states()) == ([1, 1, 1], {State.ACCEPTED})


@pytest.mark.parametrize("skew", SKEWS, ids=["ahead", "behind"])
def test_a_claim_that_was_taken_for_lost_begins_nothing(skew):
    messages = three("AT_MOST_ONCE")
    Message.objects.update(next_at=true_time() - timedelta(hours=2))
    held = claim.claim_messages(channel="email", size=10, worker="wrong", wall_now=true_time() + skew)
    reconcile.reconcile(now=NOW, wall_now=true_time() + timedelta(hours=2))
    service = Service()

    with sending_by(service.answer):
        Message.objects.update(next_at=true_time())
        send()
        late = begin.begin_send(held=held, topics={}, now=NOW, wall_now=true_time() + skew)

    assert (late, [len(service.arrived(one)) for one in messages]) == ({}, [1, 1, 1])


@pytest.mark.parametrize("skew", SKEWS, ids=["ahead", "behind"])
def test_what_must_go_at_least_once_is_not_given_up_by_a_clock_that_is_ahead(skew):
    three("AT_LEAST_ONCE")
    with sending_by(lambda received: provider.Reply(500, {}, b"")):
        send()
    assert states() == {State.UNKNOWN}
    reconcile.reconcile(now=NOW, wall_now=true_time())

    for seconds in range(0, 30, 5):
        reconcile.reconcile(now=NOW, wall_now=true_time() + skew + timedelta(seconds=seconds))
        reconcile.reconcile(now=NOW, wall_now=true_time() + timedelta(seconds=seconds))
    for seconds in range(30, 60, 5):
        reconcile.reconcile(now=NOW, wall_now=true_time() + skew + timedelta(seconds=seconds))

    assert states() == {State.UNKNOWN}
    assert IntakeWatch.objects.get().since > true_time() + skew - timedelta(seconds=1)
