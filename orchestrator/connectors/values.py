"""How one cell of text becomes a value of ours. Pure; the caller knows which cell it was."""

from __future__ import annotations

import functools
import json
import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import phonenumbers

LARGEST = Decimal("1e15")
_TRUE = frozenset({"true", "yes", "1", "on", "y"})
_FALSE = frozenset({"false", "no", "0", "off", "n"})
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]+@[^@\s\"(),:;<>\[\]\\.]+(\.[^@\s\"(),:;<>\[\]\\.]+)+")
_LOCALE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)
_CURRENCY = re.compile(r"[A-Z]{3}")
_EPOCH_MS = re.compile(r"\d{11,14}")
_ROLES = ("OWNER", "ADMIN", "BILLING", "MEMBER")
_CONSENT = ("GRANTED", "WITHDRAWN")
_BASES = ("EXPLICIT", "SOFT_OPT_IN", "LEGITIMATE_INTEREST")
_STATUSES = ("TRIALING", "ACTIVE", "PAST_DUE", "UNPAID", "PAUSED", "INCOMPLETE", "CANCELED")
_INTERVALS = ("MONTH", "YEAR")
_PRIORITIES = ("LOW", "NORMAL", "HIGH", "URGENT")
# What other systems call ours.
_OTHER_PRIORITIES = {"MEDIUM": "NORMAL", "CRITICAL": "URGENT"}


class Unusable(ValueError):
    """Why a cell cannot be read, without the cell. `rejects`: the whole row is suspect."""

    def __init__(self, message: str, *, rejects: bool = True) -> None:
        super().__init__(message)
        self.rejects = rejects


def read(cell: str, kind: str, *, region: str = "") -> Any:
    """`kind` is a type in mapping.TARGETS; `region` (ISO 3166 alpha-2) is for phone numbers. Raises Unusable."""
    if "\x00" in cell:
        raise Unusable("must not contain NUL")
    if kind == "phone":
        return _phone(cell, region)
    return _READERS[kind](cell)


def read_trait(cell: str, kind: str) -> Any:
    """A JSON value: traits are segmented on as JSON, where a date is ISO 8601 text. Raises Unusable."""
    value = read(cell, kind)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


def _text(cell: str) -> str:
    return cell


def _number(cell: str) -> Decimal:
    try:
        number = Decimal(cell.strip())
    except InvalidOperation:
        raise Unusable("must be a number such as 1234.5") from None
    if not number.is_finite() or abs(number) > LARGEST:
        raise Unusable("must be a number of at most 1e15")
    return number


def _boolean(cell: str) -> bool:
    word = cell.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Unusable("must be true or false")


def _date(cell: str) -> datetime:
    """ISO 8601, a bare day being its first instant in UTC; CRMs also write epoch milliseconds."""
    text = cell.strip()
    try:
        if _EPOCH_MS.fullmatch(text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unusable("must be a date such as 2026-03-01 or 2026-03-01T10:00Z") from None


def _day(cell: str) -> date:
    return _date(cell).date()


def _list(cell: str) -> list[str]:
    """A JSON array of texts, or texts between semicolons (HubSpot), else between commas."""
    text = cell.strip()
    if text.startswith("["):
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError):
            raise Unusable("must be a JSON array or texts between semicolons") from None
        if not all(isinstance(entry, str) for entry in entries):
            raise Unusable("must hold texts alone")
    else:
        entries = text.split(";" if ";" in text else ",")
    return [entry.strip() for entry in entries if entry.strip()]


def _email(cell: str) -> str:
    address = cell.strip().lower()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise Unusable("must be an e-mail address")
    return address


def _phone(cell: str, region: str) -> str:
    """E.164. A number without country code needs the record's country as its region.

    Its length is checked, not its range: numbering plans change faster than any table of them.
    """
    known = region.strip().upper()
    try:
        number = phonenumbers.parse(cell, known if known in phonenumbers.SUPPORTED_REGIONS else None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise Unusable("is no phone number that can be dialled; write it with + and country code", rejects=False)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _domain(cell: str) -> str:
    return cell.strip().lower()


def _locale(cell: str) -> str:
    text = cell.strip().replace("_", "-")
    if not _LOCALE.fullmatch(text):
        raise Unusable("must be a language code such as en or pt-BR", rejects=False)
    return text


def _timezone(cell: str) -> str:
    """IANA names in any case; HubSpot writes asia_slash_jerusalem."""
    name = _zones().get(cell.strip().lower().replace("_slash_", "/"))
    if name is None:
        raise Unusable("must be a time zone such as Europe/Bucharest", rejects=False)
    return name


@functools.cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in zoneinfo.available_timezones()}


def _currency(cell: str) -> str:
    code = cell.strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise Unusable("must be a currency code such as USD")
    return code


def _word(*allowed: str) -> Callable[[str], str]:
    def read_word(cell: str) -> str:
        word = cell.strip().upper().replace("-", "_").replace(" ", "_")
        if word not in allowed:
            raise Unusable(f"must be one of {', '.join(allowed)}")
        return word

    return read_word


def _priority(cell: str) -> str:
    word = cell.strip().upper()
    return _word(*_PRIORITIES)(_OTHER_PRIORITIES.get(word, word))


_READERS: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "day": _day,
    "list": _list,
    "email": _email,
    "domain": _domain,
    "locale": _locale,
    "timezone": _timezone,
    "currency": _currency,
    "role": _word(*_ROLES),
    "consent": _word(*_CONSENT),
    "basis": _word(*_BASES),
    "status": _word(*_STATUSES),
    "interval": _word(*_INTERVALS),
    "priority": _priority,
}
