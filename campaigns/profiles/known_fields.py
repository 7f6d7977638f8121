"""Which traits are also fields, and what of a sender's value can be a field."""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import phonenumbers

from campaigns.profiles.addresses import normalise_email

ACCOUNT_TRAITS = {
    "name": "name",
    "website": "domain",
    "domain": "domain",
    "country": "country",
    "timezone": "time_zone",
    "createdAt": "created_at",
    "created_at": "created_at",
}
CONTACT_TRAITS = {
    "email": "email",
    "phone": "phone",
    "firstName": "first_name",
    "first_name": "first_name",
    "lastName": "last_name",
    "last_name": "last_name",
    "locale": "locale",
    "timezone": "time_zone",
    "createdAt": "created_at",
    "created_at": "created_at",
    "country": "country",
}

_EMAIL = re.compile(r"[^\s@<>\"',;]+@[^\s@<>\"',;]+\.[^\s@<>\"',;.]+")
_MILLISECONDS_FROM = 100_000_000_000  # unix seconds reach this in the year 5138


class NotAFieldError(ValueError):
    """The value stays a trait; the field keeps what it had."""


def fields_of_traits(traits: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """The known traits under their fields' names; of several for one field the last of `known` wins."""
    return {field: traits[trait] for trait, field in known.items() if trait in traits}


def read_field(name: str, value: Any, *, country: str = "") -> Any:
    """`value` as the field stores it; None and "" unset it. Raises NotAFieldError.

    `country` (ISO 3166, two letters) completes a phone number written without its country code.
    """
    if value is None or value == "":
        return None if name == "created_at" else ""
    if name == "phone":
        return _phone(value, country)
    return _READERS[name](value)


def _text(longest: int) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise NotAFieldError("A list or an object is no text.")
        return str(value)[:longest]

    return read


def _short(longest: int) -> Callable[[Any], str]:
    """Codes: a cut code would be another code."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise NotAFieldError(f"A code has at most {longest} characters.")
        return value

    return read


def _email(value: Any) -> str:
    email = normalise_email(value) if isinstance(value, str) else ""
    if len(email) > 320 or not _EMAIL.fullmatch(email):
        raise NotAFieldError("Not an e-mail address.")
    return email


def _phone(value: Any, country: str) -> str:
    try:
        region = country.upper() if country.upper() in phonenumbers.SUPPORTED_REGIONS else None
        number = phonenumbers.parse(str(value), region)
    except phonenumbers.NumberParseException:
        raise NotAFieldError("Not a phone number, or without its country code.") from None
    if not phonenumbers.is_possible_number(number):
        raise NotAFieldError("No phone number has so many digits.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _domain(value: Any) -> str:
    if not isinstance(value, str):
        raise NotAFieldError("A domain is text.")
    try:
        host = urlsplit(value if "//" in value else f"//{value}").hostname or ""
    except ValueError:
        raise NotAFieldError("Not a domain or a web address.") from None
    host = host.removeprefix("www.")
    if not host or len(host) > 255:
        raise NotAFieldError("Not a domain or a web address.")
    return host


def _time_zone(value: Any) -> str:
    if not isinstance(value, str):
        raise NotAFieldError("A time zone is text.")
    name = value.replace("_slash_", "/").replace("_hyphen_", "-").casefold()  # HubSpot's spelling
    found = _time_zones().get(name)
    if found is None:
        raise NotAFieldError("Not a time zone of the IANA list.")
    return found


@functools.cache
def _time_zones() -> dict[str, str]:
    return {name.casefold(): name for name in zoneinfo.available_timezones()}


def _moment(value: Any) -> datetime:
    """ISO 8601, or a unix time in seconds or milliseconds; UTC unless it says."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)
        at = datetime.fromisoformat(str(value))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise NotAFieldError("Not a date.") from None


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "name": _text(300),
    "first_name": _text(150),
    "last_name": _text(150),
    "email": _email,
    "domain": _domain,
    "country": _short(60),
    "locale": _short(10),
    "time_zone": _time_zone,
    "created_at": _moment,
}
