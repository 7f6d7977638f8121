"""What only one process does at a time, over several transactions. Who comes second leaves it to the first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def claim(*, name: str) -> Iterator[bool]:
    """Whether nobody else is at it: then nobody else is until this ends. Who dies lets go of it with the connection."""
    if not _ask("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name):
        yield False
        return
    try:
        yield True
    finally:
        _ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name)


def _ask(statement: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [name])
        return bool(cursor.fetchone()[0])
