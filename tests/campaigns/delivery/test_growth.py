"""What must stay quick and small as tables grow: the statements that every second asks, and what is tidied away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from campaigns import cron
from campaigns.delivery import claim, reconcile, stalled, unclear
from campaigns.delivery.models import Message
from campaigns.operations import ticks
from campaigns.operations.models import TickSlot
from orchestrator import clock
from orchestrator.jobs import beat
from tests.factories.delivery import NOW, ReadyMessageFactory

pytestmark = pytest.mark.django_db

MANY = 8_000

# Final rows as they pile up, with a few that are to be done.
_PILE = """
INSERT INTO delivery_message (uuid, gate_id, contact_id, account_id, point_id, template_version_id, channel, locale,
    variant, purpose, policy, context, origin_campaign, origin_step, account_revision, priority, expected_value,
    dedupe_key, state, reason, planned_at, due_at, next_at, attempt, claimed_by, provider_id, accepted_at, ended_at)
SELECT gen_random_uuid(), gate_id, contact_id, account_id, point_id, template_version_id, channel, locale, variant,
    purpose, policy, context, origin_campaign, origin_step, account_revision, priority, expected_value, 'pile-' || n,
    CASE WHEN n %% 100 = 0 THEN 'READY' WHEN n %% 101 = 0 THEN 'PLANNED' ELSE 'ACCEPTED' END, '', planned_at,
    due_at + n * interval '1 second', next_at + n * interval '1 second', 1, '', '', planned_at, planned_at
FROM delivery_message, generate_series(1, %(many)s) AS n
WHERE delivery_message.id = %(like)s
"""


@pytest.fixture
def pile():
    like = ReadyMessageFactory()
    with connection.cursor() as cursor:
        cursor.execute(_PILE, {"many": MANY, "like": like.pk})
        cursor.execute("ANALYZE delivery_message")


def plan_of(statement: str, params: Any) -> list[dict[str, Any]]:
    """Every node of the plan that PostgreSQL takes."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", params)
        found = cursor.fetchone()[0]
    root = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return list(nodes_below(root))


def nodes_below(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes_below(child)


def scans_of_messages(plan: list[dict[str, Any]]) -> tuple[set[str], set[str]]:
    """(indexes used, kinds of scans) on the table of messages."""
    indexes = {node["Index Name"] for node in plan if "Index Name" in node}
    kinds = {node["Node Type"] for node in plan if node.get("Relation Name") == "delivery_message"}
    return indexes, kinds


WALL = clock.wall_now()
CLAIM = {"channel": "email", "size": 50, "worker": "tests", "wall_now": WALL, "lease_until": WALL}


ASKED_EVERY_SECOND = (
    (claim._CLAIM, CLAIM, "messages_to_claim"),
    (claim._DUE, {"now": NOW + timedelta(days=1), "wall_now": WALL, "limit": 50}, "messages_coming_due"),
    (reconcile._RECLAIM, {"wall_now": WALL}, "messages_in_hand"),
    (reconcile._LAPSE, {"wall_now": WALL}, "messages_in_hand"),
)


def test_what_is_asked_every_second_reads_its_partial_index_and_never_the_table(pile):
    for statement, params, index in ASKED_EVERY_SECOND:
        indexes, kinds = scans_of_messages(plan_of(statement, params))

        assert index in indexes
        assert "Seq Scan" not in kinds


def test_what_stands_still_is_found_by_the_partial_indexes_alone(pile):
    params = stalled._params("", NOW, WALL)
    indexes, kinds = scans_of_messages(plan_of(stalled._STALLED, params))

    assert {"messages_coming_due", "messages_to_claim", "messages_in_hand", "messages_unknown"} <= indexes
    assert "Seq Scan" not in kinds


def test_what_a_person_should_look_at_is_found_without_the_others(pile):
    barred = Message.objects.filter(reason=Message.Reason.COUNTRY_RULES)
    for rows in (unclear.find_all_unclear(), barred):
        statement, given = rows.query.sql_with_params()
        indexes, kinds = scans_of_messages(plan_of(statement, given))
        assert (indexes, "Seq Scan" in kinds) == ({"messages_to_look_at"}, False)


def test_evidence_is_looked_for_without_the_others(pile):
    params = {"now": NOW, "late": NOW - reconcile.LATE_EVIDENCE}
    indexes, _kinds = scans_of_messages(plan_of(reconcile._PROVE, params))

    assert {"messages_unknown", "messages_to_look_at"} <= indexes


def test_a_claim_takes_the_oldest_and_no_more_than_asked_for(pile):
    held = claim.claim_messages(channel="email", size=50, worker="tests", wall_now=clock.wall_now())

    oldest = Message.objects.exclude(state=Message.State.READY).filter(claimed_by="tests")
    assert len(held) == oldest.count() == 50
    waiting = Message.objects.filter(state=Message.State.READY).order_by("next_at").first()
    assert waiting is not None
    assert not oldest.filter(next_at__gt=waiting.next_at).exists()


def test_the_slots_of_the_timetable_stay_as_many_as_two_hours_have():
    """A day of ticks: the table holds what was claimed in the last two hours, and no row more."""
    at = clock.wall_now().replace(second=0, microsecond=0)
    timetable = {task: max(every, 600) for task, every in cron.TIMETABLE.items()}
    for _ in range(24 * 6):
        ticks.claim_slots(slots=beat.due_slots(timetable, at), keep_since=at - cron.KEEP_SLOTS)
        at += timedelta(minutes=10)

    assert TickSlot.objects.count() <= len(timetable) * (cron.KEEP_SLOTS / timedelta(minutes=10) + 1)
