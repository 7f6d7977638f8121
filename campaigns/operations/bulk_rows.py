"""Many rows of one model by one statement whose cost is the database's.

Django's `bulk_update` builds an expression for every row and field, and its `bulk_create` prepares every column of
every row although most hold one and the same value. Here a column is an array, and a column of one value a value.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

from django.db import connection
from django.db.models import Field, ForeignKey, JSONField, Model
from django.db.models.base import ModelState

from campaigns.operations.arrays import as_array


def new_row[Row: Model](model: type[Row], /, **values: Any) -> Row:
    """`model(**values)` at a fraction of its cost, for `insert_rows`: no signal, no check of types.

    Columns by the field's name, a related row as itself. What the database fills in by itself is left out.
    """
    shape = _shape(model)
    row = model.__new__(model)
    stored = row.__dict__
    stored["_state"] = state = ModelState()
    stored |= shape.constants
    for attname, default in shape.made:
        if attname not in values:
            stored[attname] = default()
    for name, value in values.items():
        relation = shape.relations.get(name)
        if relation is None:
            assert name in shape.attnames, f"{model.__name__} has no column {name!r}."
            stored[name] = value
        else:
            column, key = relation
            stored[column] = None if value is None else value.__dict__[key]
            state.fields_cache[name] = value
    return row


def update_rows(*, rows: Sequence[Model], fields: Sequence[str]) -> int:
    """Write these fields of stored rows as they stand on the objects; returns how many rows there still were."""
    if not rows:
        return 0
    meta = rows[0]._meta
    assert meta.pk is not None, "A stored row has a key."
    columns = [meta.pk, *(_field(meta.get_field(name)) for name in fields)]
    given, values = _columns(rows, columns)
    changes = ", ".join(f"{_quoted(one)} = given.{_quoted(one)}" for one in columns[1:])
    key = _quoted(columns[0])
    table = connection.ops.quote_name(meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} AS stored SET {changes} FROM ({given}) given"  # noqa: S608  (names of our own columns)
            f" WHERE stored.{key} = given.{key}",
            values,
        )
        return int(cursor.rowcount)


def insert_rows[Row: Model](*, rows: Sequence[Row], unless_known_by: str = "") -> list[Row]:
    """Store new rows and give them their keys, in their order.

    `unless_known_by` names a field that tells these rows apart: one that breaks any unique constraint is then left out,
    and its key stays None. What the database fills in by itself is left to it and not read back.
    """
    if not rows:
        return []
    meta = rows[0]._meta
    columns = [one for one in meta.concrete_fields if not one.has_db_default() and one is not meta.auto_field]
    given, values = _columns(rows, columns)
    names = ", ".join(_quoted(one) for one in columns)
    told = _field(meta.get_field(unless_known_by) if unless_known_by else meta.pk)
    on_conflict = "ON CONFLICT DO NOTHING" if unless_known_by else ""
    returned = f"RETURNING {_quoted(_field(meta.pk))}, {_quoted(told)}"
    table = connection.ops.quote_name(meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({names}) {given} {on_conflict} {returned}", values)
        stored = cursor.fetchall()
    keys = {known: key for key, known in stored} if unless_known_by else dict(enumerate(key for key, _ in stored))
    for place, row in enumerate(rows):
        row.pk = keys.get(row.__dict__[told.attname] if unless_known_by else place)
        row._state.adding, row._state.db = row.pk is None, connection.alias
    return list(rows)


def _columns(rows: Sequence[Model], columns: Sequence[Field[Any, Any]]) -> tuple[str, list[Any]]:
    """A SELECT of the rows, and its parameters: arrays side by side, and once what is the same in all."""
    shown, arrays, same, lists = [], [], [], []
    for column in columns:
        values = [row.__dict__[column.attname] for row in rows]
        kind, is_json = column.db_type(connection), isinstance(column, JSONField)
        if isinstance(column, JSONField):
            encode = (column.encoder or json.JSONEncoder)().encode
            values = [None if one is None else encode(one) for one in values]
        if values.count(values[0]) == len(values):
            shown.append(f"%s::{kind} AS {_quoted(column)}")
            same.append(values[0])
        else:
            shown.append(f"many.{_quoted(column)}::{kind}")
            arrays.append((_quoted(column), f"%s::{'text' if is_json else kind}[]"))
            lists.append(as_array(values))
    if not arrays:
        return f"SELECT {', '.join(shown)} FROM generate_series(1, %s)", [*same, len(rows)]  # noqa: S608
    names, places = (", ".join(part) for part in zip(*arrays, strict=True))
    return f"SELECT {', '.join(shown)} FROM unnest({places}) AS many({names})", [*same, *lists]  # noqa: S608


class _Shape:
    """What a new row of a model starts from, worked out once."""

    def __init__(self, model: type[Model]) -> None:
        columns = [one for one in model._meta.concrete_fields if not one.has_db_default()]
        self.attnames = frozenset(one.attname for one in model._meta.concrete_fields)
        self.relations = {one.name: (one.attname, one.target_field.attname) for one in columns if _points(one)}
        made = [one for one in columns if one.has_default() and callable(one.default)]
        self.constants: Mapping[str, Any] = {one.attname: one.get_default() for one in columns if one not in made}
        self.made: list[tuple[str, Callable[[], Any]]] = [(one.attname, one.get_default) for one in made]


_shape = functools.cache(_Shape)


def _points(one: Field[Any, Any]) -> TypeGuard[ForeignKey[Any, Any]]:
    return isinstance(one, ForeignKey)


def _quoted(column: Field[Any, Any]) -> str:
    return connection.ops.quote_name(str(column.column))


def _field(one: Any) -> Field[Any, Any]:
    assert isinstance(one, Field), "Only columns of the row's own table are written."
    return one
