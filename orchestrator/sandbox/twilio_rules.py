"""What the SMS provider refuses to create, with the code of its error; known without knowing who is behind a number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

E164 = re.compile(r"\+[1-9]\d{6,14}")
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
NAME = re.compile(r"(?=[A-Za-z0-9 ]*[A-Za-z])[A-Za-z0-9 ]{1,11}")
SHORT_CODE = re.compile(r"\d{3,8}")
LONGEST_BODY = 1600
LONGEST_VALIDITY_S = 36_000

WORDS: Mapping[int, str] = {
    20001: "Bad request: {}",
    20003: "Authenticate",
    20404: "The requested resource was not found",
    21211: "Invalid 'To' Phone Number: {}",
    21212: "Invalid From Number (caller ID): {}",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {}",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21609: "The 'StatusCallback' URL {} is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "The 'To' phone number {} is not currently reachable using the 'From' phone number via SMS.",
    21614: "'To' number {} is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21701: "The Messaging Service {} does not exist",
}
# The provider's own numbers for trying its errors out.
MAGIC = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}


def trouble_of(form: Mapping[str, str]) -> tuple[int, str] | None:
    """The first code that fits, and what it is about; None for a message that may be created."""
    to, sender, service = form.get("To", ""), form.get("From", ""), form.get("MessagingServiceSid", "")
    checks = (
        (21604, not to, ""),
        (21211, not E164.fullmatch(to), to),
        (21603, not (sender or service), ""),
        (21701, bool(service) and not SERVICE.fullmatch(service), service),
        (21212, bool(sender) and not _may_send(sender), sender),
        (21602, not form.get("Body"), ""),
        (21617, len(form.get("Body", "")) > LONGEST_BODY, ""),
        (21609, bool(form.get("StatusCallback")) and not _may_be_called(form["StatusCallback"]), "given"),
        (20001, not _is_validity(form.get("ValidityPeriod", "1")), "ValidityPeriod"),
        (MAGIC.get(to, 0), to in MAGIC, to),
    )
    return next(((code, about) for code, is_wrong, about in checks if is_wrong), None)


def _may_send(sender: str) -> bool:
    return bool(E164.fullmatch(sender) or SHORT_CODE.fullmatch(sender) or NAME.fullmatch(sender))


def _may_be_called(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "_" not in (parts.hostname or "")


def _is_validity(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_VALIDITY_S
