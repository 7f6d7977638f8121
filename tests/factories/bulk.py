"""Thousands of rows at once: as COPY, with a model's defaults worked out once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Field, Model
from psycopg import sql


def copy_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], **common: Any) -> list[int]:
    """Keys of the new rows, in order. `columns` are attribute names, whose values go as they are into the database;
    `common` is the same in every row; what neither names has the model's default.

    A default that must differ (a unique one) is asked for once per row.
    """
    rows = list(rows)
    keys = _next_keys(model, len(rows))
    blank = model(**common)
    varying = {"id", *columns}
    others = [field for field in model._meta.concrete_fields if field.attname not in varying and _is_written(field)]
    own = [field for field in others if field.unique and field.has_default() and field.attname not in common]
    same = [field for field in others if field not in own]
    values = [field.get_db_prep_save(getattr(blank, field.attname), connection) for field in same]
    names = ["id", *(_column(model, name) for name in columns), *(field.column for field in [*own, *same])]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(sql.Identifier(str(name)) for name in names)
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for key, row in zip(keys, rows, strict=True):
            copy.write_row([key, *row, *(field.get_default() for field in own), *values])
    return keys


def _next_keys(model: type[Model], number: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, number],
        )
        return [row[0] for row in cursor.fetchall()]


def _is_written(field: Field[Any, Any]) -> bool:
    """The database fills in the others by itself."""
    return not field.has_db_default() and not field.generated


def _column(model: type[Model], attribute: str) -> str | None:
    return next(field.column for field in model._meta.concrete_fields if field.attname == attribute)
