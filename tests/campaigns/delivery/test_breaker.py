from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery import breaker, dispatch
from campaigns.delivery.models import DeliveryAttempt, Message
from orchestrator import clock
from orchestrator.channels.contract import Unclear
from tests.campaigns.delivery.outside import provider
from tests.factories.delivery import NOW, MessageFactory, ReadyMessageFactory

pytestmark = pytest.mark.django_db


def answers(outcome, count, *, ago=timedelta(seconds=1)):
    message = MessageFactory()
    wall = clock.wall_now()
    for number in range(1, count + 1):
        DeliveryAttempt.objects.create(
            message=message, number=number, started_at=wall - ago, ended_at=wall - ago, outcome=outcome
        )


def is_open():
    return breaker.allowance(channel="email", wall_now=clock.wall_now()) is not None


def test_sixteen_failures_in_a_row_open_it():
    answers("UNCLEAR", 15)
    assert not is_open()

    answers("BUSY", 1)
    assert is_open()


def test_while_it_is_open_one_message_is_tried_every_five_seconds():
    answers("UNCLEAR", 16, ago=timedelta(seconds=4))
    assert breaker.allowance(channel="email", wall_now=clock.wall_now()) == 0

    assert breaker.allowance(channel="email", wall_now=clock.wall_now() + timedelta(seconds=2)) == 1


def test_tries_far_apart_keep_it_open():
    """given tries every five seconds that all fail, then half a minute without a success does not close it"""
    for number in range(16):
        answers("UNCLEAR", 1, ago=timedelta(seconds=5 + 5 * number))

    assert is_open()


def test_one_success_closes_it():
    answers("UNCLEAR", 20)
    answers("ACCEPTED", 1)

    assert not is_open()


def test_old_failures_are_forgotten():
    answers("UNCLEAR", 20, ago=timedelta(seconds=31))

    assert not is_open()


def test_a_refused_address_says_nothing_about_the_provider():
    answers("REFUSED", 30)

    assert not is_open()


def test_on_a_bad_day_one_message_at_a_time_is_risked():
    answers("UNCLEAR", 20, ago=timedelta(seconds=6))
    for _ in range(5):
        ReadyMessageFactory()

    def fail(_message):
        raise Unclear("No answer.", code="500")

    with provider(fail, wide=True) as service:
        dispatch.dispatch_due(channel="email", now=NOW, worker="tests")

    assert len(service.taken) == 1
    assert Message.objects.filter(state="READY").count() == 4


def test_a_provider_that_is_down_is_found_out_by_sixteen_calls():
    """given a hundred messages and a provider that answers nothing, when workers drain again and again, then it has
    been called sixteen times; each message was tried once"""
    for _ in range(100):
        ReadyMessageFactory()

    def fail(_message):
        raise Unclear("No answer.", code="500")

    with provider(fail, wide=True) as service:
        for _ in range(20):
            dispatch.dispatch_due(channel="email", now=NOW, worker="tests")

    assert len(service.taken) == 16
    assert Message.objects.filter(state="READY", attempt=0).count() == 84
