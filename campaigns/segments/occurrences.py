"""How often and when the event of a condition happened to accounts: what is said to people whom it brought in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from campaigns.segments import nodes
from campaigns.segments.compile_events import conditions_of
from campaigns.segments.sql import bind, both, sql


@dataclass(frozen=True, slots=True)
class Occurrences:
    """`feature`: what the events most often name in their property of that name, empty where they name none."""

    times: int
    first_at: datetime
    last_at: datetime
    feature: str


def count_occurrences(*, event: nodes.Event, account_ids: Sequence[int], now: datetime) -> dict[int, Occurrences]:
    """By account id, of the events that fulfil the condition within its window; accounts without any are absent."""
    statement = sql(
        "SELECT e.account_id, count(*), min(e.at), max(e.at),"
        " COALESCE(mode() WITHIN GROUP (ORDER BY e.properties ->> 'feature'), '')"
        " FROM usage_usageevent e WHERE e.account_id = ANY({}) AND {} GROUP BY e.account_id",
        bind(list(account_ids), "bigint[]"),
        both(conditions_of(event, now)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return {row[0]: Occurrences(*row[1:]) for row in cursor.fetchall()}
