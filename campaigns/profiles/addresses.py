"""E-mail addresses and phone numbers in one spelling, and their lookup hash."""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable

from django.conf import settings

# Dana <dana@customer.example>
_NAMED = re.compile(r"[^<>]*<([^<>\s]+@[^<>\s]+)>", re.DOTALL)
_PUNYCODE = "xn--"


def normalise_email(value: str) -> str:
    """Without the name before it, without space around it, in lower case. The domain stays as it is written: the
    hashes that are stored were made of it (`spellings`)."""
    bare = value.strip()
    named = _NAMED.fullmatch(bare)
    return (named[1] if named else bare).lower()


def spellings(value: str) -> tuple[str, ...]:
    """Every way the same mailbox is written: as given first, then with its domain in letters and in ASCII (xn--).

    A phone number, and nearly every mail address, has one.
    """
    given = normalise_email(value)
    local, at, domain = given.rpartition("@")
    if not at:
        return (given,)
    ways = (domain, _each_label(domain, _letters), _each_label(domain, _ascii))
    return tuple(dict.fromkeys(f"{local}@{way}" for way in ways))


def hashes_of(value: str) -> tuple[bytes, ...]:
    """The hash of each spelling, of the one given first."""
    return tuple(hash_address(one) for one in spellings(value))


def hash_address(value: str) -> bytes:
    """32 bytes, keyed, of the normalised address: finds a person again after they were erased
    without keeping who they were. The key must never change (it is not SECRET_KEY)."""
    key = settings.ADDRESS_HASH_KEY.encode()
    return hmac.digest(key, value.encode(), "sha256")


def _each_label(domain: str, write: Callable[[str], str]) -> str:
    return ".".join(write(label) for label in domain.split("."))


def _letters(label: str) -> str:
    if not label.startswith(_PUNYCODE):
        return unicodedata.normalize("NFC", label)
    try:
        return unicodedata.normalize("NFC", label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode"))
    except UnicodeError:
        return label


def _ascii(label: str) -> str:
    """RFC 3492 as it stands: the older IDNA rules would write straße as strasse, which is another domain."""
    if label.isascii():
        return label
    try:
        return _PUNYCODE + unicodedata.normalize("NFC", label).encode("punycode").decode("ascii")
    except UnicodeError:
        return label
