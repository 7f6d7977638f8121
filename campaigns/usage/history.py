"""The daily values of many accounts at once, each up to a day of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

_HISTORY = """
    SELECT given.account_id, given.meter_id, d.day, d.value
      FROM unnest(%s::bigint[], %s::bigint[], %s::date[]) AS given (account_id, meter_id, last)
      JOIN usage_usagedaily d ON d.account_id = given.account_id AND d.meter_id = given.meter_id
       AND d.day > given.last - %s AND d.day <= given.last
"""

type Pair = tuple[int, int]


def read_history(*, wanted: Sequence[tuple[Pair, date]], days: int) -> dict[Pair, dict[date, Decimal]]:
    """By (account, meter): the values of the `days` days up to the given one."""
    columns: list[list[Any]] = [
        [pair[0] for pair, _ in wanted],
        [pair[1] for pair, _ in wanted],
        [last for _, last in wanted],
    ]
    found: dict[Pair, dict[date, Decimal]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, [*columns, days])
        for account, meter, day, value in cursor.fetchall():
            found[account, meter][day] = value
    return found
