from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from orchestrator import clock
from orchestrator.sandbox.agenda import Agenda
from tests.orchestrator.sandbox.conftest import wait_until


@pytest.fixture
def agenda(movable_clock: None) -> Iterator[Agenda]:
    made = Agenda(lanes=4)
    made.start()
    yield made
    made.stop()


def test_a_hop_of_the_clock_does_what_became_due_in_order(agenda: Agenda) -> None:
    done: list[int] = []
    now = clock.utcnow()
    for number in (3, 1, 2, 9):
        agenda.add(at=now + timedelta(days=number), lane="one", deed=partial(done.append, number))
    clock.advance(to=now + timedelta(days=5))
    wait_until(lambda: agenda.due() == 0)
    assert done == [1, 2, 3]
    assert agenda.next_at() == now + timedelta(days=9)


def test_a_failing_deed_stops_nothing(agenda: Agenda) -> None:
    done: list[str] = []
    now = clock.utcnow()
    agenda.add(at=now, lane="one", deed=partial(int, "no number"))
    agenda.add(at=now, lane="one", deed=lambda: done.append("after"))
    wait_until(lambda: done)
    wait_until(lambda: agenda.due() == 0)
    assert (agenda.failed, agenda.done) == (1, 2)


def test_what_comes_soon_can_be_counted_as_due(agenda: Agenda) -> None:
    agenda.add(at=clock.utcnow() + timedelta(hours=1), lane="one", deed=lambda: None)
    assert (agenda.due(), agenda.due(within_s=7200)) == (0, 1)
