from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from campaigns.delivery import breaker, dispatch
from campaigns.delivery.breaker import Fuse
from campaigns.delivery.finish import Answer
from campaigns.delivery.models import ChannelHealth, DeliveryAttempt, Message
from orchestrator import clock
from orchestrator.channels.contract import Busy, Refusal, Unclear
from orchestrator.jobs import worker
from tests.campaigns.delivery.outside import provider
from tests.factories.delivery import NOW, ReadyMessageFactory

pytestmark = pytest.mark.django_db

State = Message.State
WALL = clock.wall_now()


def answers(outcome, count=1, **changes):
    return [Answer(number, 1, outcome, **changes) for number in range(count)]


def note(outcome, count=1, *, at=WALL, **changes):
    standing = breaker.read(channel="email", wall_now=at)
    breaker.note(channel="email", answers=answers(outcome, count, **changes), standing=standing, wall_now=at)


def is_open(at=WALL):
    return breaker.read(channel="email", wall_now=at).is_open


def send():
    return dispatch.dispatch_due(channel="email", now=NOW, worker="tests")


def fail(_message):
    raise Unclear("No answer.", code="500")


def test_ten_failures_in_a_row_open_it_for_every_worker():
    note("UNCLEAR", 9)
    assert not is_open()

    note("BUSY")
    assert is_open()


def test_one_good_answer_closes_it():
    note("UNCLEAR", 12)

    note("ACCEPTED")

    assert not is_open()
    assert ChannelHealth.objects.get().failures == 0


def test_a_refused_message_is_a_good_answer_of_the_provider():
    note("UNCLEAR", 12)

    note("REFUSED")

    assert not is_open()


def test_it_stays_open_until_somebody_tried():
    note("UNCLEAR", 12)

    assert is_open(WALL + timedelta(hours=3))


def test_what_we_never_asked_the_provider_says_nothing_about_it():
    note("BUSY", 30, code="lease_short")
    note("BUSY", 30, code="held_back")

    assert not ChannelHealth.objects.exists()


def test_one_receivers_bad_day_is_no_bad_day_of_all_webhooks():
    standing = breaker.read(channel="webhook", wall_now=WALL)
    breaker.note(channel="webhook", answers=answers("BUSY", 30), standing=standing, wall_now=WALL)

    assert not breaker.read(channel="webhook", wall_now=WALL).is_open


def test_of_all_workers_one_may_try_in_each_pause():
    note("UNCLEAR", 12)
    first = WALL + breaker.FIRST_PROBE

    assert not breaker.take_probe(channel="email", wall_now=WALL + timedelta(seconds=1))
    assert breaker.take_probe(channel="email", wall_now=first)
    assert not breaker.take_probe(channel="email", wall_now=first)


def test_the_pause_between_tries_doubles_up_to_a_minute():
    note("UNCLEAR", 12)
    pauses = []
    at = WALL
    for _ in range(7):
        probe_at = ChannelHealth.objects.get().probe_at
        assert probe_at is not None
        pauses.append((probe_at - at).total_seconds())
        at = probe_at
        note("UNCLEAR", at=at)

    assert pauses == [2, 4, 8, 16, 32, 60, 60]


def test_good_news_that_is_no_news_is_not_written():
    note("ACCEPTED")
    note("ACCEPTED", at=WALL + timedelta(seconds=1))
    assert ChannelHealth.objects.get().answered_at == WALL

    note("ACCEPTED", at=WALL + timedelta(seconds=6))
    assert ChannelHealth.objects.get().answered_at == WALL + timedelta(seconds=6)


def test_a_workers_fuse_blows_at_ten_failures_and_holds_after_a_good_answer():
    fuse, blown = Fuse(), []
    for outcome, count in (("UNCLEAR", 9), ("UNCLEAR", 1), ("ACCEPTED", 1)):
        fuse.note(answers(outcome, count))
        blown.append(fuse.is_blown)

    assert blown == [False, True, False]


def test_a_provider_that_fails_at_everything_gets_ten_calls_and_no_message_is_tried_twice():
    for _ in range(30):
        ReadyMessageFactory()

    with provider(fail, wide=True) as service:
        send()
        send()

    assert len(service.taken) == 10
    assert Message.objects.filter(state=State.UNKNOWN).count() == 10
    assert Message.objects.filter(state=State.READY, attempt=0).count() == 20
    assert set(DeliveryAttempt.objects.values_list("number", flat=True)) == {1}


def test_on_a_bad_day_one_message_is_risked_once_the_pause_is_over():
    note("UNCLEAR", 12, at=clock.wall_now() - timedelta(seconds=10))
    for _ in range(5):
        ReadyMessageFactory()

    with provider(fail, wide=True) as service:
        send()
        send()

    assert len(service.taken) == 1
    assert Message.objects.filter(state=State.READY).count() == 4


def test_a_try_that_succeeds_lets_the_others_go():
    note("UNCLEAR", 12, at=clock.wall_now() - timedelta(seconds=10))
    for _ in range(5):
        ReadyMessageFactory()

    with provider(wide=True) as service:
        send()
        assert len(service.taken) == 1
        send()

    assert len(service.taken) == 5
    assert not is_open()


def test_all_workers_wait_as_long_as_the_provider_asked_one_to():
    for _ in range(5):
        ReadyMessageFactory()

    def slow_down(_message):
        raise Busy("Slower.", code="429", retry_after_s=30)

    with provider(slow_down) as service:
        send()
        asked = len(service.taken)
        Message.objects.update(next_at=clock.wall_now())
        send()

    assert asked == len(service.taken) == 1
    assert Message.objects.filter(state=State.READY).count() == 5


@override_settings(ARBITRATION_WINDOW_MIN=0)
def test_asked_to_end_a_worker_puts_back_what_it_has_not_begun():
    for _ in range(20):
        ReadyMessageFactory()
    note("ACCEPTED", at=clock.wall_now())

    try:
        with provider(lambda _message: worker._stopping.set(), wide=True) as service:
            done = send()
    finally:
        worker._stopping.clear()

    assert done == {State.ACCEPTED: 5}
    assert len(service.taken) == 5
    assert Message.objects.filter(state=State.READY, attempt=0, claimed_by="").count() == 15


def test_refused_addresses_do_not_slow_anything_down():
    for _ in range(15):
        ReadyMessageFactory()

    def refuse(_message):
        raise Refusal("No.", code="400")

    with provider(refuse, wide=True) as service:
        send()

    assert len(service.taken) == 15


@override_settings(ARBITRATION_WINDOW_MIN=0)
def test_a_provider_that_breaks_in_the_middle_is_left_alone_soon():
    for _ in range(40):
        ReadyMessageFactory()

    def break_down(_message):
        if len(service.taken) > 12:
            raise Unclear("No answer.", code="500")

    with provider(break_down, wide=True) as service:
        send()

    assert len(service.taken) <= 12 + 10 + 5
    assert is_open(clock.wall_now())


def test_a_request_of_many_messages_is_one_failure_and_one_that_was_taken_a_good_answer():
    assert len(breaker.telling(answers("UNCLEAR", 200))) == 1
    assert [one.outcome for one in breaker.telling([*answers("ACCEPTED"), *answers("UNCLEAR", 5)])] == ["ACCEPTED"]
    assert breaker.telling([]) == []
