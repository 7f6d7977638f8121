"""Two writers and a reader at once: whoever commits first, the reader sees every row, and each of them once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest
from django.db import connection, transaction

from campaigns.consent.models import ConsentRecord
from campaigns.operations import pulling
from tests.factories.consent import ContactPointFactory
from tests.scale import examples
from tests.settled import wait_until_settled

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "test"
INTERLEAVINGS = 60

_INSERT = """
INSERT INTO consent_consentrecord (point_id, channel, topic, state, basis, source, at, recorded_at, evidence)
VALUES (%s, 'email', 'offers', 'GRANTED', '', 'test', '2026-11-24', '2026-11-24', '{}') RETURNING id
"""


@contextmanager
def writer() -> Iterator[psycopg.Connection]:
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "pool"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters) as own:
        own.execute("SET synchronous_commit TO off")
        own.commit()
        yield own


def pull() -> list[int]:
    with transaction.atomic():
        cursor = pulling.lock_cursor(name=NAME)
        rows = pulling.rows_after(rows=ConsentRecord.objects.all(), cursor=cursor, limit=5)
        pulling.advance_cursor(cursor=cursor, rows=rows)
        return [row.pk for row in rows]


def interleave(chance: random.Random, writers: list[psycopg.Connection], point_id: int) -> tuple[set[int], list[int]]:
    """What both wrote and what was pulled meanwhile. A transaction that rolls back has written nothing."""
    written: list[set[int]] = [set(), set()]
    kept: set[int] = set()
    pulled: list[int] = []

    def insert(number: int) -> None:
        row = writers[number].execute(_INSERT, [point_id]).fetchone()
        assert row is not None
        written[number].add(row[0])

    def commit(number: int) -> None:
        writers[number].commit()
        kept.update(written[number])

    steps: list[list[Callable[[], object]]] = []
    for number in range(2):
        own: list[Callable[[], object]] = [partial(insert, number) for _ in range(chance.randint(1, 3))]
        own.append(partial(commit, number) if chance.random() < 0.9 else writers[number].rollback)
        steps.append(own)
    steps.append([lambda: pulled.extend(pull()) for _ in range(chance.randint(1, 4))])
    while any(steps):
        chance.choice([own for own in steps if own]).pop(0)()
    return kept, pulled


def test_a_pull_beside_open_transactions_loses_no_row_and_sees_none_twice(record_property):
    point_id = ContactPointFactory().pk
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    wanted: set[int] = set()
    seen: list[int] = []

    with writer() as one, writer() as other:
        for _ in range(examples(INTERLEAVINGS)):
            kept, pulled = interleave(chance, [one, other], point_id)
            wanted |= kept
            seen += pulled
    wait_until_settled()
    while pulled := pull():
        seen += pulled

    for name, number in (("examples", examples(INTERLEAVINGS)), ("rows", len(wanted)), ("seed of its own", seed)):
        record_property(name, number)
    assert Counter(seen) == Counter(wanted), f"Seed {seed}."


def test_a_row_with_a_lower_id_that_commits_later_is_not_passed_over():
    point_id = ContactPointFactory().pk
    with writer() as slow, writer() as quick:
        [low] = slow.execute(_INSERT, [point_id]).fetchone() or [0]
        [high] = quick.execute(_INSERT, [point_id]).fetchone() or [0]
        quick.commit()
        meanwhile = pull()
        slow.commit()
    wait_until_settled()

    assert low < high
    assert meanwhile == []
    assert pull() == [low, high]
