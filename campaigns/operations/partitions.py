"""Months of the large tables. A DEFAULT partition catches what no month covers; making that
month later moves its rows first, since PostgreSQL refuses a month whose rows sit in DEFAULT."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import connection, transaction
from psycopg import sql

PARTITIONED = (
    ("usage_usageevent", "at"),
    ("intake_inboundevent", "received_at"),
    ("delivery_providerevent", "received_at"),
)


def make_months(*, now: datetime, back: int = 4, ahead: int = 3) -> list[str]:
    """Make the months around `now` that lack; returns the names of those made."""
    first = _shift(now.astimezone(UTC).date().replace(day=1), -back)
    made = []
    for table, key in PARTITIONED:
        for step in range(back + ahead + 1):
            start = _shift(first, step)
            if _make_month(table=table, key=key, start=start, end=_shift(start, 1)):
                made.append(f"{table}_{start:%Y_%m}")
    return made


def rows_in_default() -> dict[str, int]:
    """Rows that no month covers, by table: anything but zero is worth an alarm."""
    counts = {}
    with connection.cursor() as cursor:
        for table, _ in PARTITIONED:
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(f"{table}_default")))
            counts[table] = cursor.fetchone()[0]
    return counts


def _make_month(*, table: str, key: str, start: date, end: date) -> bool:
    name = f"{table}_{start:%Y_%m}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is not None:
            return False
        names = {
            "table": sql.Identifier(table),
            "month": sql.Identifier(name),
            "spare": sql.Identifier(f"{table}_default"),
            "key": sql.Identifier(key),
            "start": sql.Literal(datetime(start.year, start.month, 1, tzinfo=UTC)),
            "end": sql.Literal(datetime(end.year, end.month, 1, tzinfo=UTC)),
        }
        for statement in (
            "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
            "CREATE TABLE {month} (LIKE {table} INCLUDING DEFAULTS)",
            "WITH moved AS (DELETE FROM {spare} WHERE {key} >= {start} AND {key} < {end} RETURNING *) "
            "INSERT INTO {month} SELECT * FROM moved",
            "ALTER TABLE {table} ATTACH PARTITION {month} FOR VALUES FROM ({start}) TO ({end})",
        ):
            cursor.execute(sql.SQL(statement).format(**names))
    return True


def _shift(month: date, by: int) -> date:
    count = month.year * 12 + month.month - 1 + by
    return date(count // 12, count % 12 + 1, 1)
