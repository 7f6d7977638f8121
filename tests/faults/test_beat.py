"""The beat: twice, killed, late, and by a clock that somebody sets."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns import cron
from campaigns.operations import ticks
from campaigns.operations.models import TickSlot
from orchestrator import clock
from orchestrator.jobs import beat, queues
from tests.connections import run_together
from tests.faults.processes import KILLED, in_a_child, killing
from tests.scale import examples

pytestmark = pytest.mark.faults

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STATEMENTS = 8

type Slot = tuple[str, datetime]


def claim(at: datetime) -> list[Slot]:
    """What one beat rings at this moment, with its slots."""
    due = dict(beat.due_slots(cron.TIMETABLE, at))
    claimed = ticks.claim_slots(slots=list(due.items()), keep_since=at - cron.KEEP_SLOTS)
    return [(task, due[task]) for task in claimed]


def waiting() -> Counter[str]:
    jobs = [job for name in (queues.NOW, queues.BULK) for job in queues.open_queue(name).jobs]
    return Counter(job.args[0] for job in jobs)


@pytest.fixture
def set_clock(monkeypatch):
    def set_to(at: datetime) -> None:
        monkeypatch.setattr(clock, "wall_now", lambda: at)

    set_to(NOON)
    return set_to


@pytest.mark.django_db(transaction=True)
def test_four_beats_claim_each_slot_once():
    moments = [NOON + timedelta(seconds=0.7 * number) for number in range(examples(25))]
    claimed: list[Slot] = []

    def beat_on(seed: int) -> None:
        own = random.Random(seed)
        for at in moments:
            claimed.extend(claim(at + timedelta(milliseconds=own.randrange(-400, 400))))

    run_together(*[partial(beat_on, seed) for seed in range(4)])

    assert set(Counter(claimed).values()) == {1}
    seen = {slot for task, slot in claimed if task == "messages_due"}
    first, last = min(seen), max(seen)
    assert len(seen) == (last - first).total_seconds() + 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_beat_killed_at_any_statement_rings_no_slot_twice_and_the_next_rings_all(empty_redis, set_clock, side):
    def die(number: int) -> None:
        with connection.execute_wrapper(killing(number, side)):
            cron.tick()

    for number in range(1, STATEMENTS):
        at = NOON + timedelta(hours=2 * number)
        set_clock(at)
        empty_redis.flushdb()
        status = in_a_child(partial(die, number))
        assert status in (0, KILLED)
        cron.tick()

        # A kill between claim and ring costs these slots: the next slot of each task rings.
        assert set(waiting().values()) <= {1}
        set_clock(at + timedelta(seconds=max(cron.TIMETABLE.values())))
        cron.tick()
        assert set(waiting()) == set(cron.TIMETABLE)
        assert TickSlot.objects.values("task", "slot").distinct().count() == TickSlot.objects.count()


@pytest.mark.django_db(transaction=True)
def test_ten_minutes_without_a_beat_are_caught_up_by_one_ring_of_each_task(empty_redis, set_clock):
    cron.tick()
    empty_redis.flushdb()
    set_clock(NOON + timedelta(minutes=10))

    cron.tick()
    cron.tick()

    often = {task for task, every in cron.TIMETABLE.items() if every <= 600}
    assert waiting() == dict.fromkeys(often, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=1), -timedelta(hours=1), -timedelta(days=1)])
def test_the_beat_goes_on_at_once_when_somebody_sets_the_clock(jump):
    before = [slot for second in range(120) for slot in claim(NOON + timedelta(seconds=second))]
    moments = [NOON + timedelta(seconds=120 + second) + jump for second in range(120)]
    unclaimed = {slot for at in moments for slot in beat.due_slots(cron.TIMETABLE, at)} - set(before)

    after = [slot for at in moments for slot in claim(at)]

    assert set(Counter(before).values()) == set(Counter(after).values()) == {1}
    assert Counter(task for task, _ in after)["messages_due"] == 120
    not_nightly = {task for task, every in cron.TIMETABLE.items() if every < 86_400}
    assert {task for task, _ in after} == {task for task, _ in unclaimed} >= not_nightly


@pytest.mark.django_db
def test_machines_whose_clocks_differ_a_little_still_claim_each_slot_once():
    claimed: list[Slot] = []
    for second in range(60):
        for skew in (0, 20, -15):
            claimed += claim(NOON + timedelta(seconds=second + skew))

    assert set(Counter(claimed).values()) == {1}


@settings(max_examples=examples(50))
@given(
    days=st.floats(min_value=-1000, max_value=1000),
    steps=st.lists(st.floats(min_value=0.2, max_value=1.0), min_size=5, max_size=60),
)
def test_a_beat_that_comes_every_second_or_sooner_names_every_slot(days, steps):
    at = NOON + timedelta(days=days)
    named: list[Slot] = beat.due_slots(cron.TIMETABLE, at)
    for step in steps:
        at += timedelta(seconds=step)
        named += beat.due_slots(cron.TIMETABLE, at)

    for task, every in cron.TIMETABLE.items():
        slots = sorted({slot for name, slot in named if name == task})
        assert all(two - one == timedelta(seconds=every) for one, two in itertools.pairwise(slots))


def test_every_interval_divides_a_day_so_that_no_clock_change_moves_a_slot():
    assert all(86_400 % every == 0 for every in cron.TIMETABLE.values())
