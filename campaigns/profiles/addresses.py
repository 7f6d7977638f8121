"""E-mail addresses and phone numbers in one spelling, and their lookup hash."""

from __future__ import annotations

import hmac

from django.conf import settings


def normalise_email(value: str) -> str:
    return value.strip().lower()


def hash_address(value: str) -> bytes:
    """32 bytes, keyed, of the normalised address: finds a person again after they were erased
    without keeping who they were. The key must never change (it is not SECRET_KEY)."""
    key = settings.ADDRESS_HASH_KEY.encode()
    return hmac.digest(key, value.encode(), "sha256")
