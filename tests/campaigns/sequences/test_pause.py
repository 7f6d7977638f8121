"""Pause, resume, stop against workers with connections of their own."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection, transaction

from campaigns.delivery import claim, dispatch
from campaigns.delivery.models import Message, SendGate
from campaigns.sequences import lifecycle, selectors
from campaigns.sequences.models import Campaign, Enrolment
from orchestrator import clock
from tests.campaigns.delivery.outside import provider
from tests.connections import Worker, wait_until_blocked
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db(transaction=True)
NOW = make.NOW
State = Message.State


@pytest.fixture
def campaign() -> Campaign:
    make.market()
    for _ in range(6):
        make.ready_account()
    return make.launched(holdout_percent=None)


def send() -> Counter[str]:
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    return dispatch.dispatch_due(channel="email", now=NOW, worker="tests")


def states() -> Counter[str]:
    return Counter(Message.objects.values_list("state", flat=True))


def test_a_pause_waits_for_the_send_that_was_begun_before_it(campaign):
    order: list[str] = []

    def pause() -> None:
        lifecycle.pause(campaign=Campaign.objects.get(), by="dana", now=NOW)
        order.append("paused")

    with transaction.atomic():
        list(SendGate.objects.raw("SELECT * FROM delivery_sendgate WHERE id = %s FOR SHARE", [campaign.gate_id]))
        worker = Worker(pause)
        worker.start()
        wait_until_blocked(worker)
        order.append("begun")
    worker.finish()
    assert order == ["begun", "paused"]


def test_a_send_that_waits_for_the_pause_is_held_and_goes_once_when_resumed(campaign):
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    with provider(wide=True) as service:
        with transaction.atomic():
            lifecycle.pause(campaign=campaign, by="dana", now=NOW)
            worker = Worker(send)
            worker.start()
            wait_until_blocked(worker)
        worker.finish()
        assert service.taken == []
        assert set(states()) <= {State.PLANNED, State.READY}
        lifecycle.resume(campaign=campaign, by="dana", now=NOW)
        Message.objects.filter(state=State.READY).update(next_at=clock.wall_now())
        send()
        send()
    sent = Counter(one.message_id for one in service.taken)
    assert (len(sent), set(sent.values())) == (6, {1})
    assert states() == {State.ACCEPTED: 6}


def test_two_who_resume_at_once_send_nothing_twice(campaign):
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    refused: list[object] = []

    def resume() -> None:
        try:
            lifecycle.resume(campaign=Campaign.objects.get(), by="ron", now=NOW)
        except lifecycle.WrongStateError as error:
            refused.append(error)
        send()

    with provider(wide=True) as service:
        workers = [Worker(resume) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.finish()
        send()
    assert len(refused) == 1
    assert sorted(Counter(one.message_id for one in service.taken).values()) == [1] * 6


def test_a_stop_that_commits_while_a_send_waits_wins(campaign):
    with provider(wide=True) as service:
        with transaction.atomic():
            lifecycle.stop(campaign=campaign, by="dana", now=NOW)
            worker = Worker(send)
            worker.start()
            worker.join(0.5)
        worker.finish()
        send()
    assert service.taken == []
    assert selectors.skip_reasons(campaign=campaign) == {"CAMPAIGN_STOPPED": 6}
    assert set(Enrolment.objects.values_list("state", "exit_reason")) == {("ENDED", "STOPPED")}
    assert selectors.is_finished(campaign=campaign)


def test_what_is_on_its_way_when_the_stop_comes_ends_either_sent_or_skipped(campaign):
    stopped = threading.Event()

    def stop(_message: object) -> None:
        if not stopped.is_set():
            stopped.set()
            lifecycle.stop(campaign=Campaign.objects.get(), by="dana", now=NOW)
            connection.close()

    with provider(stop) as service:
        send()
        send()
    assert len(service.taken) + selectors.skip_reasons(campaign=campaign).get("CAMPAIGN_STOPPED", 0) == 6
    assert set(states()) <= {State.ACCEPTED, State.SKIPPED}
    assert selectors.is_finished(campaign=Campaign.objects.get())
