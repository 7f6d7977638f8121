"""The heart: whatever is asked of whatever world, the SQL and the plain reference say the same."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.segments import evaluate, grammar, preview
from campaigns.segments.compile import compile_segment
from campaigns.segments.models import Segment
from tests.campaigns.segments import reference
from tests.campaigns.segments.stored import Stored
from tests.campaigns.segments.worlds import NOW, PLANS, make_definition, make_world, one_of_each
from tests.factories.billing import PlanFactory
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import SendGateFactory, TemplateVersionFactory
from tests.factories.usage import MeterFactory

EXAMPLES = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def names(transactional_db: None) -> dict[str, int]:
    """Everything that a definition can name and no world changes.

    Committed, so that no transaction stays open over all the examples: that would hold back every pull of
    the tests running beside this one.
    """
    for code in ("seats_used", "api_calls"):
        MeterFactory(code=code)
    for code in PLANS:
        PlanFactory(code=code)
    ConsentTopicFactory()
    ConsentTopicFactory(slug="news")
    gate = SendGateFactory(slug="seats")
    SendGateFactory(slug="other")
    return {"template_version_id": TemplateVersionFactory().pk, "gate_id": gate.pk}


class _Undo(Exception):
    pass


def _in_a_world(world: reference.World, names: dict[str, int], check: Any) -> None:
    try:
        with transaction.atomic():
            stored = Stored(world, **names)
            for slug, definition in world.segments.items():
                _store_segment(slug, definition)
            check(stored)
            raise _Undo
    except _Undo:
        pass


def _store_segment(slug: str, definition: dict[str, Any]) -> None:
    grammar.read_definition(definition)
    segment = Segment.objects.create(slug=slug, name=slug, created_at=NOW)
    segment.live_version = segment.versions.create(number=1, definition=definition, created_at=NOW)
    segment.save()


SEEDS = st.integers(0, 2**32)


@settings(EXAMPLES, max_examples=40)
@given(seed=SEEDS)
def test_every_kind_of_condition_means_what_the_reference_says(names: dict[str, int], seed: int) -> None:
    rng = Random(seed)
    world, documents = make_world(rng), [*one_of_each(rng), *one_of_each(rng)]
    _in_a_world(world, names, lambda stored: _assert_same(world, stored, documents))


@settings(EXAMPLES, max_examples=40)
@given(seed=SEEDS)
def test_groups_of_conditions_mean_what_the_reference_says(names: dict[str, int], seed: int) -> None:
    rng = Random(seed)
    world, documents = make_world(rng), [make_definition(rng) for _ in range(12)]
    _in_a_world(world, names, lambda stored: _assert_same(world, stored, documents))


def _assert_same(world: reference.World, stored: Stored, documents: list[dict[str, Any]]) -> None:
    """Over everybody, row by row, and with an account and a contact both bound."""
    pairs = [((a, c), stored.accounts[a].pk, stored.contacts[c].pk) for a, c, _ in world.members]
    for document in documents:
        rows = stored.accounts if document["subject"] == "account" else stored.contacts
        expected = {rows[index].pk for index in reference.matching(world, document)}
        compiled = compile_segment(document, now=NOW)
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, compiled.params)
            selected = [row[0] for row in cursor.fetchall()]
        assert sorted(selected) == sorted(expected), document
        assert evaluate.matching_ids(document=document, ids=[row.pk for row in rows], now=NOW) == expected, document
        bound = {(a, c) for a, c, _ in world.members if reference.holds_for_pair(world, document, a, c)}
        assert evaluate.matching_pairs(document=document, pairs=pairs, now=NOW) == bound, document


@settings(EXAMPLES, max_examples=20)
@given(seed=SEEDS)
def test_the_counts_of_the_lines_are_those_of_the_lines_alone(names: dict[str, int], seed: int) -> None:
    rng = Random(seed)
    world, document = make_world(rng), make_definition(rng)

    def check(_stored: Stored) -> None:
        for path, count in preview.count_lines(document=document, now=NOW):
            alone = {"subject": document["subject"], **_bound(_at(document, path), path)}
            assert count == len(reference.matching(world, alone)), path

    _in_a_world(world, names, check)


def _bound(node: Any, path: str) -> Any:
    """Inside `any_contact` a line is one of its own."""
    for head in reversed([step for step in path.split(".") if step.startswith("any_")]):
        node = {re.sub(r"\[.*", "", head): node}
    return node


def _at(document: Any, path: str) -> Any:
    for step in filter(None, path.replace("]", "").replace("[", ".").split(".")):
        document = document[int(step)] if step.isdigit() else document[step]
    return document
