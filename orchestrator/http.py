"""What every outgoing call shares: no personal data in what an outside system's answer makes us say."""

from __future__ import annotations

import re

# Providers echo what they refuse. Addresses and phone numbers must not reach logs or error texts.
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_PHONE = re.compile(r"\+\d[\d\s().-]{5,}\d")
_LONGEST_DETAIL = 300


def redact(text: str) -> str:
    """An outside system's words, short, on one line, without e-mail addresses and phone numbers."""
    line = " ".join(text.split())
    return _PHONE.sub("[phone]", _EMAIL.sub("[address]", line))[:_LONGEST_DETAIL]
