"""Pieces of a statement that carry their own parameters, so that nothing typed by a person is ever SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sql:
    text: str
    params: tuple[Any, ...] = ()


def sql(template: str, *parts: Sql) -> Sql:
    """Each `{}` of the template, which is our own text, takes the next part."""
    pieces = template.split("{}")
    assert len(pieces) == len(parts) + 1, template
    text = pieces[0] + "".join(part.text + piece for part, piece in zip(parts, pieces[1:], strict=True))
    return Sql(text, tuple(param for part in parts for param in part.params))


def bind(value: Any, type_name: str) -> Sql:
    return Sql(f"%s::{type_name}", (value,))


def both(parts: Iterable[Sql]) -> Sql:
    """All of the parts; none at all is true."""
    return _join(list(parts), " AND ", "TRUE")


def either(parts: Iterable[Sql]) -> Sql:
    """Any of the parts; none at all is false."""
    return _join(list(parts), " OR ", "FALSE")


def negate(part: Sql) -> Sql:
    return sql("NOT ({})", part)


TRUE = Sql("TRUE")
FALSE = Sql("FALSE")


def _join(parts: list[Sql], word: str, empty: str) -> Sql:
    if not parts:
        return Sql(empty)
    if len(parts) == 1:
        return parts[0]
    return sql("(" + word.join("({})" for _ in parts) + ")", *parts)
