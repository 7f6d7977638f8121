"""One comparison as SQL, by the type of what is compared. Every result is true or false, never NULL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from psycopg.types.json import Jsonb

from campaigns.segments.nodes import Comparison, Date, Duration, Number, Text, Truth, Value
from campaigns.segments.sql import FALSE, Sql, bind, both, either, negate, sql
from campaigns.segments.values import DATE_PATTERN

_ORDER = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def compare_text(given: Sql, comparison: Comparison) -> Sql:
    """A text column, where NULL and the empty text are missing. Equality and positions go by code point."""
    op = comparison.op
    if op in ("is_set", "is_not_set"):
        present = sql("COALESCE({} <> '', FALSE)", given)
        return present if op == "is_set" else negate(present)
    texts = [value.value for value in comparison.values if isinstance(value, Text)]
    if op == "in":
        return sql("COALESCE({} = ANY({}), FALSE)", given, bind(texts, "text[]"))
    if op == "not_in":
        return sql("COALESCE({} <> '' AND {} <> ALL({}), FALSE)", given, given, bind(texts, "text[]"))
    return sql("COALESCE({}, FALSE)", _text_test(op, given, bind(texts[0], "text")))


def _text_test(op: str, given: Sql, wanted: Sql) -> Sql:
    if op == "=":
        return sql("{} = {}", given, wanted)
    if op == "!=":
        return sql("{} <> '' AND {} <> {}", given, given, wanted)
    if op == "contains":
        return sql("strpos({}, {}) > 0", given, wanted)
    if op == "starts_with":
        return sql("starts_with({}, {})", given, wanted)
    assert op == "ends_with", op
    return sql("right({}, length({})) = {}", given, wanted, wanted)


def compare_number(given: Sql, comparison: Comparison, *, per: Sql | None = None) -> Sql:
    """`given` / `per` against the values, multiplied out: nothing is divided and so nothing rounded.

    `per` is above zero or the row must not be there; a NULL `given` is missing.
    """
    op = comparison.op
    if op in ("is_set", "is_not_set"):
        present = sql("{} IS NOT NULL", given)
        return present if op == "is_set" else negate(present)
    wanted = [_scaled(value, per) for value in comparison.values]
    if op == "between":
        return sql("COALESCE({} BETWEEN {} AND {}, FALSE)", given, *wanted)
    if op == "in":
        return sql("COALESCE({}, FALSE)", either(sql("{} = {}", given, one) for one in wanted))
    if op == "not_in":
        return sql("COALESCE({}, FALSE)", both(sql("{} <> {}", given, one) for one in wanted))
    return sql(f"COALESCE({{}} {_ORDER[op]} {{}}, FALSE)", given, wanted[0])


def _scaled(value: Value, per: Sql | None) -> Sql:
    assert isinstance(value, Number)
    number = bind(_plain(value.value), "numeric")
    return number if per is None else sql("{} * {}", number, per)


def compare_truth(given: Sql, comparison: Comparison) -> Sql:
    op = comparison.op
    if op in ("is_set", "is_not_set"):
        present = sql("{} IS NOT NULL", given)
        return present if op == "is_set" else negate(present)
    (wanted,) = comparison.values
    assert isinstance(wanted, Truth)
    return sql(f"COALESCE({{}} {_ORDER[op]} {{}}, FALSE)", given, bind(wanted.value, "boolean"))


def compare_date(given: Sql, comparison: Comparison, now: datetime) -> Sql:
    op = comparison.op
    if op in ("is_set", "is_not_set"):
        present = sql("{} IS NOT NULL", given)
        return present if op == "is_set" else negate(present)
    if op == "within":
        (window,) = comparison.values
        assert isinstance(window, Duration)
        return sql("COALESCE({} BETWEEN {} AND {}, FALSE)", given, begin_of(window, now), moment(now))
    wanted = [bind(value.text, "timestamptz") for value in comparison.values if isinstance(value, Date)]
    if op == "between":
        return sql("COALESCE({} BETWEEN {} AND {}, FALSE)", given, *wanted)
    return sql(f"COALESCE({{}} {'<' if op == 'before' else '>'} {{}}, FALSE)", given, wanted[0])


def compare_duration(seconds: Sql, comparison: Comparison) -> Sql:
    """`seconds` is a number, NULL when missing."""
    as_numbers = tuple(Number(Decimal(v.hours * 3600)) for v in comparison.values if isinstance(v, Duration))
    return compare_number(seconds, Comparison(comparison.op, as_numbers))


def compare_json(given: Sql, comparison: Comparison, now: datetime) -> Sql:
    """A trait or an event property: the type of the value decides, and nothing is converted to meet it."""
    op = comparison.op
    if op in ("is_set", "is_not_set"):
        present = sql("COALESCE({} <> ALL(ARRAY['null', '\"\"', '[]']::jsonb[]), FALSE)", given)
        return present if op == "is_set" else negate(present)
    first = comparison.values[0]
    if op == "within" or isinstance(first, Date):
        return compare_date(_as_date(given), comparison, now)
    if op in ("=", "in"):
        return sql("COALESCE({} = ANY({}), FALSE)", given, _json_list(comparison.values))
    if op in ("!=", "not_in"):
        return sql(
            "COALESCE(jsonb_typeof({}) = {} AND {} <> '\"\"'::jsonb AND {} <> ALL({}), FALSE)",
            given,
            bind(_json_type(first), "text"),
            given,
            given,
            _json_list(comparison.values),
        )
    if op == "contains":
        return _json_contains(given, first)
    if isinstance(first, Text):
        test = _text_test(op, _as_text(given), bind(first.value, "text"))
        return sql("(CASE WHEN jsonb_typeof({}) = 'string' THEN {} ELSE FALSE END)", given, test)
    test = compare_number(sql("({})::numeric", given), comparison)
    return sql("(CASE WHEN jsonb_typeof({}) = 'number' THEN {} ELSE FALSE END)", given, test)


def _json_contains(given: Sql, wanted: Value) -> Sql:
    in_list = sql("{} @> {}", given, _json(wanted))
    in_text = FALSE
    if isinstance(wanted, Text):
        in_text = _text_test("contains", _as_text(given), bind(wanted.value, "text"))
    return sql(
        "(CASE jsonb_typeof({}) WHEN 'array' THEN {} WHEN 'string' THEN {} ELSE FALSE END)", given, in_list, in_text
    )


def _as_text(given: Sql) -> Sql:
    return sql("({} #>> ARRAY[]::text[])", given)


def _as_date(given: Sql) -> Sql:
    """The text as an instant, NULL for any text that is none: no spelling and no calendar raises an error.

    The nested CASE keeps the order: spelling, then the month's length, then the conversion.
    """
    text = _as_text(given)
    spelled = sql("{} ~ {} AND substr({}, 1, 4) <> '0000'", text, bind(DATE_PATTERN, "text"), text)
    in_month = sql(
        "substr({}, 9, 2)::int <= date_part('day', make_date(substr({}, 1, 4)::int, substr({}, 6, 2)::int, 1)"
        " + interval '1 month' - interval '1 day')",
        text,
        text,
        text,
    )
    zone = sql(
        "(CASE WHEN length({}) = 10 THEN 'T00:00:00Z' WHEN {} ~ '(Z|[+-][0-9][0-9]:[0-9][0-9])$' THEN '' ELSE 'Z' END)",
        text,
        text,
    )
    return sql("(CASE WHEN {} THEN CASE WHEN {} THEN ({} || {})::timestamptz END END)", spelled, in_month, text, zone)


def _json(value: Value) -> Sql:
    assert isinstance(value, Text | Number | Truth)
    if isinstance(value, Number):
        return sql("to_jsonb({})", bind(_plain(value.value), "numeric"))
    return bind(Jsonb(value.value), "jsonb")


def _json_list(values: tuple[Value, ...]) -> Sql:
    return sql("ARRAY[" + ", ".join("{}" for _ in values) + "]", *(_json(value) for value in values))


def _json_type(value: Value) -> str:
    if isinstance(value, Text):
        return "string"
    return "boolean" if isinstance(value, Truth) else "number"


def _plain(value: Decimal) -> Decimal:
    """Without trailing zeros of an exponent: 1E+2 is written 100."""
    return Decimal(format(value, "f"))


def moment(now: datetime) -> Sql:
    return bind(now, "timestamptz")


def begin_of(window: Duration, now: datetime) -> Sql:
    """The first instant of a window that ends now; before all time when it is longer than the calendar."""
    try:
        return moment(now.astimezone(UTC) - timedelta(hours=window.hours))
    except OverflowError:
        return bind("-infinity", "timestamptz")
