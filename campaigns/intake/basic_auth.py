from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping


def read_key(headers: Mapping[str, str]) -> str:
    """The user of HTTP Basic, which is the write key (its password is empty); "" when there is none."""
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""
