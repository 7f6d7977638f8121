"""How long rows are kept, and how they are taken away: a batch to a transaction, from where the last one ended.

A run may be killed at any line: what was committed is gone, the rest is found again. What a batch keeps (open, credited
…) is looked at again on the next round, which begins once a round has come to rows that are too young.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from campaigns.operations import pulling
from orchestrator.jobs import bells

BELL = "retention"

BATCH = 1000
# So many rows of a table are looked at in one run; then the bell rings again, and others have their turn between.
MOST_BATCHES = 200


@dataclass(frozen=True, slots=True)
class Look:
    """One batch of a table in the order of its ids. `last` is the last id that was looked at; None: what follows is
    too young."""

    taken: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Taken:
    """`is_all` false: there may be more."""

    rows: int
    is_all: bool

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.rows + other.rows, self.is_all and other.is_all)


NOTHING = Taken(0, True)


def cut_off(*, period: str, now: datetime) -> datetime | None:
    """What is older than this may go; None where it is kept for ever. `period` is a key of RETENTION_DAYS."""
    days = settings.RETENTION_DAYS[period]
    return now - timedelta(days=days) if days else None


def walk(*, name: str, look: Callable[[int], Look], most: int = MOST_BATCHES) -> Taken:
    """Look at a table batch by batch, each in a transaction of its own that also keeps how far it came.

    `look` gets the id after which to begin. Two runs at once take turns, batch by batch.
    """
    rows = 0
    for _ in range(most):
        with transaction.atomic():
            _be_modest()
            cursor = pulling.lock_cursor(name=f"retention.{name}")
            found = look(cursor.row_id)
            rows += found.taken
            cursor.row_id = found.last or 0
            cursor.save(update_fields=["row_id"])
        if found.last is None:
            return Taken(rows, True)
    return Taken(rows, False)


def delete(*, statement: str, params: dict[str, Any], most: int = MOST_BATCHES) -> Taken:
    """Run a DELETE again and again until it finds nothing. It takes at most `%(size)s` rows, and none that somebody
    has locked: from an ARRAY, which is asked for once. Behind IN, PostgreSQL may ask for the first rows again for each
    row that it looks at."""
    rows = 0
    for _ in range(most):
        with transaction.atomic(), connection.cursor() as cursor:
            _be_modest()
            cursor.execute(statement, {**params, "size": BATCH})
            gone = cursor.rowcount
        rows += gone
        if gone < BATCH:
            return Taken(rows, True)
    return Taken(rows, False)


def tell(*, log: logging.Logger, taken: Mapping[str, Taken]) -> None:
    """Say what a run took away; ring again where it left something."""
    rows = {name: one.rows for name, one in taken.items() if one.rows}
    if rows:
        log.info("old rows removed", extra=rows)
    if not all(one.is_all for one in taken.values()):
        bells.ring(BELL)


def _be_modest() -> None:
    """Nobody waits for this work's disk, and it waits for nobody's lock: the next night comes."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute("SET LOCAL lock_timeout TO '2s'")
