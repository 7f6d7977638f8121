"""Operators and their values, by the type of what is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from campaigns.segments import values
from campaigns.segments.errors import DefinitionError
from campaigns.segments.nodes import Comparison, Date, Duration, Number, Text, Value
from campaigns.segments.opened import Opened, open_object

PRESENCE = ("is_set", "is_not_set")
TEXT_OPS = ("=", "!=", "in", "not_in", "contains", "starts_with", "ends_with")
NUMBER_OPS = ("=", "!=", "<", "<=", ">", ">=", "between", "in", "not_in")
TRUTH_OPS = ("=", "!=")
DATE_OPS = ("before", "after", "between", "within")
DURATION_OPS = ("<", "<=", ">", ">=", "between")
COUNT_OPS = ("=", "!=", "<", "<=", ">", ">=", "between")
OPEN_OPS = (
    "=", "!=", "<", "<=", ">", ">=", "between", "in", "not_in", "contains", "starts_with", "ends_with",
    "before", "after", "within",
)  # fmt: skip

AT_LEAST_ONE = Comparison(">=", (values.read_number(1, ""),))

_Reader = Callable[[Any, str], Value]


def read_comparison(opened: Opened, kind: str) -> Comparison:
    """Takes `op` and `value`. `kind`: text, number, boolean, date, duration, or open where the value decides."""
    op = opened.take("op")
    allowed = _OPS[kind]
    if not isinstance(op, str) or op not in (*allowed, *PRESENCE):
        raise DefinitionError(opened.at("op"), f"Expected one of {', '.join((*allowed, *PRESENCE))}.")
    if op in PRESENCE:
        if "value" in opened:
            raise DefinitionError(opened.at("value"), f"{op} takes no value.")
        return Comparison(op)
    given, path = opened.take("value"), opened.at("value")
    if kind == "open":
        return Comparison(op, _read_open(op, given, path))
    if op == "within":
        return Comparison(op, (values.read_duration(given, path),))
    return Comparison(op, _read_typed(op, given, path, _READERS[kind]))


def read_count(opened: Opened) -> Comparison:
    """The optional `count` of events and engagement; at least one when it is left out."""
    if "count" not in opened:
        return AT_LEAST_ONE
    count = open_object(opened.take("count"), opened.at("count"), "A count")
    op = count.take("op")
    if not isinstance(op, str) or op not in COUNT_OPS:
        raise DefinitionError(count.at("op"), f"Expected one of {', '.join(COUNT_OPS)}.")
    comparison = Comparison(op, _read_typed(op, count.take("value"), count.at("value"), values.read_whole))
    count.refuse_rest("a count")
    return comparison


def _read_typed(op: str, given: Any, path: str, read: _Reader) -> tuple[Value, ...]:
    if op == "between":
        return _read_range(given, path, read)
    if op in ("in", "not_in"):
        return _read_list(given, path, read)
    return (read(given, path),)


def _read_open(op: str, given: Any, path: str) -> tuple[Value, ...]:
    if op == "within":
        return (values.read_duration(given, path),)
    if op in ("before", "after"):
        return (values.read_date(given, path),)
    if op in ("<", "<=", ">", ">="):
        return (values.read_number(given, path),)
    if op in ("starts_with", "ends_with"):
        return (values.read_text_value(given, path),)
    if op == "between":
        dates = isinstance(given, list | tuple) and any(isinstance(end, str) for end in given)
        return _read_range(given, path, values.read_date if dates else values.read_number)
    if op in ("in", "not_in"):
        texts = isinstance(given, list | tuple) and any(isinstance(one, str) for one in given)
        return _read_list(given, path, values.read_text_value if texts else values.read_number)
    return (_read_any(given, path),)


def _read_any(given: Any, path: str) -> Value:
    if isinstance(given, bool):
        return values.read_truth(given, path)
    if isinstance(given, str):
        return values.read_text_value(given, path)
    if given is None or isinstance(given, dict | list | tuple):
        raise DefinitionError(path, f"Expected text, a number, true or false, got {values.name_type(given)}.")
    return values.read_number(given, path)


def _read_list(given: Any, path: str, read: _Reader) -> tuple[Value, ...]:
    if not isinstance(given, list | tuple):
        raise DefinitionError(path, f"Expected a list, got {values.name_type(given)}.")
    if not given:
        raise DefinitionError(path, "The list is empty.")
    if len(given) > values.LIST_LIMIT:
        raise DefinitionError(path, f"Lists have at most {values.LIST_LIMIT:,} elements; this has {len(given):,}.")
    return tuple(read(one, f"{path}[{index}]") for index, one in enumerate(given))


def _read_range(given: Any, path: str, read: _Reader) -> tuple[Value, ...]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise DefinitionError(path, "Expected two values: [low, high].")
    low, high = (read(end, f"{path}[{index}]") for index, end in enumerate(given))
    if _size(low) > _size(high):
        raise DefinitionError(path, "The lower value stands first.")
    return low, high


def _size(value: Value) -> Any:
    if isinstance(value, Date):
        return values.seconds_of(value)
    if isinstance(value, Duration):
        return value.hours
    assert isinstance(value, Number | Text)
    return value.value


_OPS: Mapping[str, tuple[str, ...]] = {
    "text": TEXT_OPS,
    "number": NUMBER_OPS,
    "boolean": TRUTH_OPS,
    "date": DATE_OPS,
    "duration": DURATION_OPS,
    "open": OPEN_OPS,
}
_READERS: Mapping[str, _Reader] = {
    "text": values.read_text_value,
    "number": values.read_number,
    "boolean": values.read_truth,
    "date": values.read_date,
    "duration": values.read_duration,
}
