from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.delivery import dispatch, pace
from campaigns.delivery.models import Message, SendRate
from orchestrator import clock
from tests.campaigns.delivery.outside import ScriptedProvider
from tests.factories.delivery import NOW, ReadyMessageFactory

WALL = clock.wall_now()


class SlowProvider(ScriptedProvider):
    """Two messages a second from this sender."""

    in_flight = 5
    sender = "slow"
    units_per_s = 2.0

    def units(self, messages):
        return len(messages)


def take(count, *, at=WALL, per_s=10.0):
    return pace.take(sender="s", per_s=per_s, units=[1] * count, wall_now=at)


@pytest.mark.django_db
def test_a_full_bucket_holds_one_burst_and_fills_at_its_rate():
    assert take(25) == 10
    assert take(25) == 0
    assert take(25, at=WALL + timedelta(milliseconds=300)) == 3
    assert take(25, at=WALL + timedelta(seconds=60)) == 10


@pytest.mark.django_db
def test_a_message_larger_than_the_bucket_goes_when_it_is_full_and_is_paid_for_afterwards():
    assert pace.take(sender="s", per_s=1, units=[4, 1], wall_now=WALL) == 1
    assert pace.take(sender="s", per_s=1, units=[1], wall_now=WALL + timedelta(seconds=3)) == 0
    assert pace.take(sender="s", per_s=1, units=[1], wall_now=WALL + timedelta(seconds=4)) == 1


@pytest.mark.django_db
def test_each_sender_has_a_bucket_of_its_own():
    assert take(25) == 10

    assert pace.take(sender="other", per_s=10, units=[1] * 25, wall_now=WALL) == 10


@pytest.mark.django_db
def test_what_is_left_is_told_without_taking_it():
    take(4)

    assert pace.room(sender="s", per_s=10, wall_now=WALL) == pytest.approx(6)
    assert pace.room(sender="unheard of", per_s=10, wall_now=WALL) == 10


class AnyDemand(TestCase):
    @given(
        per_s=st.sampled_from([0.5, 1.0, 3.0, 40.0]),
        demands=st.lists(
            st.tuples(st.integers(0, 3000), st.lists(st.integers(1, 8), min_size=1, max_size=20)), max_size=30
        ),
    )
    def test_no_stretch_of_time_ever_gets_more_than_its_rate_and_one_burst(self, per_s, demands):
        SendRate.objects.all().delete()
        at, sent = WALL, []
        for wait_ms, units in demands:
            at += timedelta(milliseconds=wait_ms)
            count = pace.take(sender="s", per_s=per_s, units=units, wall_now=at)
            sent += [(at, one) for one in units[:count]]

        largest = max([one for _, one in sent], default=0)
        burst = max(per_s * pace.burst_of(per_s).total_seconds(), largest)
        for place, (start, _) in enumerate(sent):
            total = 0
            for moment, one in sent[place:]:
                total += one
                assert total <= burst + per_s * (moment - start).total_seconds() + largest * 1e-2 + 1e-2


@pytest.mark.django_db(transaction=True)
def test_eight_workers_together_take_no_more_than_one_burst():
    taken: list[int] = []

    def work() -> None:
        taken.extend([take(7, per_s=20.0) for _ in range(10)])
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(taken) == 20


@pytest.mark.django_db
@override_settings(CHANNELS={"email": "tests.campaigns.delivery.test_pace.SlowProvider"})
def test_a_drain_sends_what_the_rate_allows_and_puts_the_rest_back_untried():
    SlowProvider.taken.clear()
    for _ in range(6):
        ReadyMessageFactory()

    dispatch.dispatch_due(channel="email", now=NOW, worker="tests", seconds=0.1)

    assert len(SlowProvider.taken) == 2
    assert Message.objects.filter(state="READY", attempt=0).count() == 4
    assert Message.objects.filter(state="ACCEPTED", attempt=1).count() == 2
