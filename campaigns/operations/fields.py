"""Columns Django has no name for."""

from __future__ import annotations

from typing import Any

from django.db import models


class PgCurrentXactId(models.Func):
    function = "pg_current_xact_id"
    arity = 0


class Xid8Field(models.BigIntegerField):
    """The id of the transaction that wrote the row: the order in which a pull may trust rows.

    Ids and times are given out before commit, so a reader's cursor on them loses rows that
    commit late. See `campaigns.operations.pulling`.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("db_default", PgCurrentXactId())
        kwargs.setdefault("editable", False)
        super().__init__(**kwargs)

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def get_placeholder_sql(self, value: Any, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        if hasattr(value, "as_sql"):
            sql, params = compiler.compile(value)
            return sql, tuple(params)
        return "%s::text::xid8", (value,)

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None or hasattr(value, "as_sql") else str(int(value))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """As text without a type: xid8 compares with nothing else, least of all with integers."""
        return value if prepared else self.get_prep_value(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)
