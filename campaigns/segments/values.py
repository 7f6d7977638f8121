"""Single values of a definition: each reader takes what JSON gave and raises DefinitionError for anything else."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from campaigns.segments.errors import DefinitionError
from campaigns.segments.nodes import Date, Duration, Number, Text, Truth

TEXT_LIMIT = 1000
LIST_LIMIT = 1000
NUMBER_LIMIT = Decimal("1e15")
# More than any figure has, and few enough for PostgreSQL to keep every one of them.
DECIMALS_LIMIT = 100

DATE_PATTERN = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])?)?$"
)
_DATE = re.compile(DATE_PATTERN.replace("$", r"\Z"))
_ZONE = re.compile(r"(Z|[+-][0-9]{2}:[0-9]{2})\Z")
_CLOCK = re.compile(r".{10}T(\d\d):(\d\d)(?::([\d.]+))?(?:Z|([+-])(\d\d):(\d\d))\Z")
_DURATION = re.compile(r"([1-9][0-9]{0,17})([hdw])\Z")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


def read_text(given: Any, path: str, what: str = "text") -> str:
    if not isinstance(given, str):
        raise DefinitionError(path, f"Expected {what}, got {name_type(given)}.")
    if not given:
        raise DefinitionError(path, f"Expected {what}; it is empty.")
    if len(given) > TEXT_LIMIT:
        raise DefinitionError(path, f"Text has at most {TEXT_LIMIT:,} characters; this has {len(given):,}.")
    if "\x00" in given:
        raise DefinitionError(path, "Text can't hold a NUL character.")
    if any("\ud800" <= char <= "\udfff" for char in given):
        raise DefinitionError(path, "Text can't hold half of a surrogate pair.")
    return given


def read_text_value(given: Any, path: str) -> Text:
    return Text(read_text(given, path))


def read_number(given: Any, path: str) -> Number:
    """Exactly as written; a float of a parsed document counts as its shortest spelling."""
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal):
        raise DefinitionError(path, f"Expected a number, got {name_type(given)}.")
    try:
        value = Decimal(repr(given)) if isinstance(given, float) else Decimal(given)
    except InvalidOperation as error:
        raise DefinitionError(path, "This is no number.") from error
    if not value.is_finite():
        raise DefinitionError(path, "This is no number.")
    if abs(value) > NUMBER_LIMIT:
        raise DefinitionError(path, "Numbers are at most 1e15.")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > DECIMALS_LIMIT:
        raise DefinitionError(path, f"Numbers have at most {DECIMALS_LIMIT} decimals.")
    return Number(value)


def read_whole(given: Any, path: str) -> Number:
    number = read_number(given, path)
    if number.value < 0 or number.value != number.value.to_integral_value():
        raise DefinitionError(path, "Expected a whole number, 0 or more.")
    return number


def read_truth(given: Any, path: str) -> Truth:
    if not isinstance(given, bool):
        raise DefinitionError(path, f"Expected true or false, got {name_type(given)}.")
    return Truth(given)


def read_date(given: Any, path: str) -> Date:
    text = read_text(given, path, "a date")
    if not is_date(text):
        raise DefinitionError(
            path, "Expected a date as 2026-03-01 or 2026-03-01T10:00, with Z or an offset such as +02:00 if not UTC."
        )
    if "T" not in text:
        return Date(f"{text}T00:00:00Z")
    return Date(text if _ZONE.search(text) else f"{text}Z")


def is_date(text: str) -> bool:
    """In the accepted spelling, and on the calendar: 30 February is no date."""
    if not _DATE.match(text):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def read_duration(given: Any, path: str) -> Duration:
    text = read_text(given, path, "a duration such as 30d")
    match = _DURATION.match(text)
    if not match:
        raise DefinitionError(path, "Expected a whole number of at least 1 and h, d or w, such as 30d.")
    return Duration(text, int(match[1]) * _HOURS[match[2]])


def seconds_of(when: Date) -> Decimal:
    """The instant as exact seconds on one scale: what tells which of two dates is earlier."""
    match = _CLOCK.match(when.text)
    assert match is not None
    hours, minutes, seconds, sign, ahead_hours, ahead_minutes = match.groups(default="0")
    ahead = int(ahead_hours) * 3600 + int(ahead_minutes) * 60
    days = date.fromisoformat(when.text[:10]).toordinal()
    local = days * 86_400 + int(hours) * 3600 + int(minutes) * 60 + Decimal(seconds)
    return local + ahead if sign == "-" else local - ahead


def name_type(given: Any) -> str:
    if given is None:
        return "null"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str):
        return "text"
    if isinstance(given, dict):
        return "an object"
    if isinstance(given, list | tuple):
        return "a list"
    return "a number"
