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


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event, with the id it is stored under."""

    id: int
    account_id: int | None
    contact_id: int | None
    at: datetime


def find_occurrences(
    *, event: nodes.Event, after_id: int, since: datetime, now: datetime, limit: int
) -> list[Occurrence]:
    """Events stored with an id above `after_id` that fulfil the condition and happened since, by id."""
    statement = sql(
        "SELECT e.id, e.account_id, e.contact_id, e.at FROM usage_usageevent e"
        " WHERE e.id > {} AND e.at >= {} AND {} ORDER BY e.id LIMIT {}",
        bind(after_id, "bigint"),
        bind(since, "timestamptz"),
        both(conditions_of(event, now)),
        bind(limit, "bigint"),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return [Occurrence(*row) for row in cursor.fetchall()]


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
