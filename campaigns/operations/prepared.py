"""Statements that are asked so often that planning them would cost more than answering them.

PostgreSQL keeps their plan with the connection, where settings let it (`prepare_threshold`). For reading outside of
what Django watches: no query log, no wrapper sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection


def fetch_rows(*, statement: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """All rows of a statement whose text is always the same; what differs is bound by name."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, params, prepare=True)
        return cursor.fetchall()
