"""Months of the large tables. A DEFAULT partition catches what no month covers; making that
month later moves its rows first, since PostgreSQL refuses a month whose rows sit in DEFAULT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

from django.db import OperationalError, connection, transaction
from psycopg import sql
from psycopg.errors import LockNotAvailable

from campaigns.operations import retention

PARTITIONED = (
    ("usage_usageevent", "at"),
    ("intake_inboundevent", "received_at"),
    ("delivery_providerevent", "received_at"),
)
BACK = 4
"""Months before this one that are always there: they are not dropped either."""


def make_months(*, now: datetime, back: int = BACK, ahead: int = 3) -> list[str]:
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


def drop_months(*, table: str, before: datetime, now: datetime, unless: str = "false") -> list[str]:
    """Drop whole months that end by `before`; returns their names. A month with a row for which `unless` is true stays,
    and so does one whose table is in use: both are tried again the next night."""
    limit = min(before.astimezone(UTC).date().replace(day=1), _shift(now.astimezone(UTC).date().replace(day=1), -BACK))
    dropped = []
    for name, start in _months(table):
        if _shift(start, 1) <= limit and _drop_month(table=table, name=name, unless=unless):
            dropped.append(name)
    return dropped


def clear_default(*, table: str, before: datetime, unless: str = "false") -> retention.Taken:
    """Take what is older than `before` out of the DEFAULT partition: no month will be made for it any more."""
    key = dict(PARTITIONED)[table]
    statement = (
        f"DELETE FROM {table}_default WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table}_default"  # noqa: S608  (constants)
        f" WHERE {key} < %(before)s AND NOT ({unless}) LIMIT %(size)s FOR UPDATE SKIP LOCKED))"
    )
    return retention.delete(statement=statement, params={"before": before})


def oldest_month(*, table: str) -> date | None:
    """The first day of the oldest month that there is; None without any."""
    return min((start for _, start in _months(table)), default=None)


def _months(table: str) -> Iterator[tuple[str, date]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
            " WHERE inhparent = %s::regclass ORDER BY child.relname",
            [table],
        )
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        if found := re.fullmatch(rf"{table}_(\d{{4}})_(\d{{2}})", name):
            yield name, date(int(found[1]), int(found[2]), 1)


def _drop_month(*, table: str, name: str, unless: str) -> bool:
    names = {"table": sql.Identifier(table), "month": sql.Identifier(name), "unless": sql.SQL(unless)}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # Everybody else waits behind us: shorter than the second after which PostgreSQL looks for deadlocks, so
            # that none of them is the one that is stopped.
            cursor.execute("SET LOCAL lock_timeout TO '500ms'")
            cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {month} WHERE {unless})").format(**names))
            if cursor.fetchone()[0]:
                return False
            for statement in ("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", "DROP TABLE {month}"):
                cursor.execute(sql.SQL(statement).format(**names))
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return False
        raise
    return True


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
