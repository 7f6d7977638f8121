"""A transaction for a segment's statement: bounded in time, with memory to hash a whole audience."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

# Sets of ids are hashed only if they fit: below that PostgreSQL would search them row by row.
WORK_MEMORY = "256MB"
PREVIEW_SECONDS = 20
REFRESH_SECONDS = 120


class SegmentTooSlow(Exception):
    """The statement did not end in the time it is given. Nothing was changed."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"The segment took longer than {seconds} seconds and was stopped. Use shorter windows.")


@contextmanager
def bounded(*, seconds: int, read_only: bool) -> Iterator[None]:
    """Raises SegmentTooSlow. `read_only`: PostgreSQL itself refuses to write."""
    before = _settings()
    try:
        with transaction.atomic():
            mode = {"transaction_read_only": "on"} if read_only else {}
            _set(statement_timeout=f"{seconds}s", work_mem=WORK_MEMORY, jit="off", **mode)
            yield
            # Inside a caller's transaction the settings would outlive this block.
            _set(**before)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SegmentTooSlow(seconds) from error
        raise


def _settings() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), current_setting('work_mem'), current_setting('jit')"
        )
        timeout, memory, jit = cursor.fetchone()
    return {"statement_timeout": timeout, "work_mem": memory, "jit": jit}


def _set(**settings: str) -> None:
    asked = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", list(chain.from_iterable(settings.items())))
