"""Empty the tables after a test that really committed.

Django truncates all of them, however few hold rows, and then makes content types and permissions again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

from campaigns.delivery import switch

# Made when the database was; they lead to no other table.
LASTING = {ContentType._meta.db_table, Permission._meta.db_table}

_truncate_all: Callable[[TransactionTestCase], None] = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def empty_by_deleting(case: TransactionTestCase) -> None:
    """What holds rows is deleted from, without the triggers that forbid it: that takes a superuser."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone() == ("on",):
            cursor.execute("SET LOCAL session_replication_role = replica")
            for table in _filled(cursor):
                cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            is_empty = True
        else:
            is_empty = False
    if not is_empty:
        _truncate_all(case)
    allow_sending()


def allow_sending() -> None:
    """As in a new database whose workers have begun."""
    switch.ensure_switch(now=datetime(2026, 1, 1, tzinfo=UTC))


def _filled(cursor: Any) -> list[str]:
    tables = sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - LASTING)
    questions = [
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(table), sql.Identifier(table))
        for table in tables
    ]
    cursor.execute(sql.SQL(" UNION ALL ").join(questions))
    return [row[0] for row in cursor.fetchall()]
