"""Arrays for statements that run for every few messages, written as PostgreSQL reads them.

The driver looks at each element for its type and its quotes, which costs more than what the statement does with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db.models import Lookup

# Their text is what PostgreSQL reads.
_AS_TEXT = (str, UUID, datetime, date, Decimal)


def numbers(values: Iterable[int]) -> str:
    """Whole numbers. The statement says of which type: `%(ids)s::bigint[]`."""
    return "{" + ",".join(map(str, values)) + "}"


def words(values: Iterable[str]) -> str:
    """Names of our own, such as states: letters, digits and underscores. `%(states)s::text[]`."""
    made = ",".join(values)
    assert made.replace(",", "").replace("_", "").isalnum() or not made, "Other texts are the driver's to quote."
    return "{" + made + "}"


def as_array(values: Sequence[Any]) -> Any:
    """The values as PostgreSQL writes an array, to be cast; kinds that need the driver's care stay a list."""
    kinds = {type(one) for one in values if one is not None}
    if kinds <= {int}:
        return f"{{{','.join('NULL' if one is None else str(one) for one in values)}}}"
    if kinds == {bytes}:
        return f"{{{','.join('NULL' if one is None else _bytes(one) for one in values)}}}"
    if all(issubclass(one, _AS_TEXT) for one in kinds):
        return f"{{{','.join(_element(one) for one in values)}}}"
    return list(values)


def _element(one: Any) -> str:
    if one is None:
        return "NULL"
    text = str(one)
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _bytes(one: bytes) -> str:
    return f'"\\\\x{one.hex()}"'


class AnyOf(Lookup):
    """`filter(account_id__any=ids)`: what `__in` says, of plain values. Django writes `__in` with a parameter for each,
    and the driver looks at each."""

    lookup_name = "any"

    def get_prep_lookup(self) -> list[Any]:
        values: Iterable[Any] = self.rhs
        return list(values)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        if not self.rhs:
            raise EmptyResultSet
        column, params = self.process_lhs(compiler, connection)
        # Without a length: a value that is too long matches nothing, cut it might.
        kind = self.lhs.output_field.rel_db_type(connection).partition("(")[0]
        return f"{column} = ANY(%s::{kind}[])", (*params, as_array(self.rhs))
