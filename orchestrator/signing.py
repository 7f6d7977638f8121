"""Signed, purpose-salted tokens for links: unsubscribe, preferences, offer, click, in-app view.

A token carries one value (a message's id, say) that everyone can read and nobody can change, and it is worth nothing
for another purpose. Keys are Django's: SECRET_KEY signs, SECRET_KEY_FALLBACKS still verify, so keys can be rotated.
Age is measured by wall time; deadlines in business time belong to the row that the token names.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare


class Purpose(StrEnum):
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    OFFER = "offer"
    OFFER_NONCE = "offer-nonce"
    CLICK = "click"
    OWN_CLICK = "own-click"
    IN_APP_VIEW = "in-app-view"
    MAIL_UNSUBSCRIBE = "mail-unsubscribe"
    MAIL_REPLY = "mail-reply"
    CONFIRM_CONSENT = "confirm-consent"
    CONFIRM_NONCE = "confirm-nonce"


class BadTokenError(ValueError):
    """Altered, cut, too old, or signed for another purpose. Says no more: answer as for an unknown address."""


_LONGEST = 2048
# 96 bits: nobody guesses one over the network, and a text message pays for each letter.
_MAC_BYTES = 12


def sign(purpose: Purpose, value: str) -> str:
    """URL-safe `value.time.signature`, each part base64 or base62 without padding."""
    # What `_signer(purpose).sign` makes, without a signer and a derived key of its own for each of a message's links.
    stamped = f"{_letters(value.encode())}.{_stamper().timestamp()}"
    return f"{stamped}.{_letters(_digest(f'crescendo.{purpose.value}signer', stamped, settings.SECRET_KEY))}"


def unsign(purpose: Purpose, token: str, max_age: timedelta | None = None) -> str:
    """The value signed for this purpose; BadTokenError otherwise. Without `max_age` a token never expires."""
    if len(token) > _LONGEST or not token.isascii():
        raise BadTokenError("This link is not valid.")
    try:
        encoded = _signer(purpose).unsign(token, max_age=max_age)
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (signing.BadSignature, binascii.Error, ValueError) as error:
        raise BadTokenError("This link is not valid.") from error


def sign_number(purpose: Purpose, number: int) -> str:
    """A short token for a link in a text message: some 20 letters. It never expires."""
    encoded = _letters(number.to_bytes(max((number.bit_length() + 7) // 8, 1), "big"))
    return f"{encoded}.{_mac(purpose, encoded, settings.SECRET_KEY)}"


def unsign_number(purpose: Purpose, token: str) -> int:
    """The number signed for this purpose by `sign_number`; BadTokenError otherwise."""
    encoded, dot, mac = token.partition(".")
    if len(token) > _LONGEST or not token.isascii() or not dot:
        raise BadTokenError("This link is not valid.")
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(constant_time_compare(mac, _mac(purpose, encoded, key)) for key in keys):
        raise BadTokenError("This link is not valid.")
    return int.from_bytes(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), "big")


def sign_hex(purpose: Purpose, value: str) -> str:
    """`value.signature` that lower case does not break, for a mail address. `value` has neither dots nor capitals."""
    return f"{value}.{_hex_mac(purpose, value, settings.SECRET_KEY)}"


def unsign_hex(purpose: Purpose, token: str) -> str:
    """The value signed for this purpose by `sign_hex`; BadTokenError otherwise."""
    value, dot, mac = token.partition(".")
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if len(token) > _LONGEST or not token.isascii() or not dot:
        raise BadTokenError("This address is not valid.")
    if not any(constant_time_compare(mac, _hex_mac(purpose, value, key)) for key in keys):
        raise BadTokenError("This address is not valid.")
    return value


def _hex_mac(purpose: Purpose, value: str, key: str) -> str:
    return _digest(f"crescendo.{purpose.value}.hex", value, key)[:_MAC_BYTES].hex()


def _mac(purpose: Purpose, encoded: str, key: str) -> str:
    return _letters(_digest(f"crescendo.{purpose.value}.number", encoded, key)[:_MAC_BYTES])


def _digest(salt: str, value: str, key: str) -> bytes:
    """Django's `salted_hmac` by SHA-256."""
    return hmac.digest(_derived(salt, key), value.encode(), "sha256")


@functools.cache
def _stamper() -> signing.TimestampSigner:
    """Asked for the time only, as `_signer` writes it."""
    return signing.TimestampSigner(key="-")


@functools.lru_cache(maxsize=32)
def _derived(salt: str, key: str) -> bytes:
    return hashlib.sha256((salt + key).encode()).digest()


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _signer(purpose: Purpose) -> signing.TimestampSigner:
    return signing.TimestampSigner(sep=".", salt=f"crescendo.{purpose.value}")
