"""Which mail requests the e-mail provider takes: the rules of its v3 document, and its words for no."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_PERSONALIZATIONS = 1000
MAX_RECIPIENTS = 1000
MAX_CATEGORIES = 10
MAX_CATEGORY = 255
MAX_BYTES_OF_ARGUMENTS = 10_000
FORBIDDEN_HEADERS = frozenset(
    ("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from",
     "subject", "reply-to", "cc", "bcc")
)  # fmt: skip
HELP = "https://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
ADDRESS = re.compile(r"[^@\s\"(),:;<>\[\\\]]+@[^@\s\"(),:;<>\[\\\]]+\.[^@\s\"(),:;<>\[\\\]]+")
Trouble = tuple[str, str]


def refusal(troubles: list[Trouble]) -> dict[str, Any]:
    """The vendor's error body; each trouble is (field, message)."""
    return {
        "errors": [{"message": message, "field": field or None, "help": HELP + field} for field, message in troubles]
    }


def troubles_of(mail: Any) -> list[Trouble]:
    """Everything wrong with a /v3/mail/send body; empty when it would be accepted."""
    if not isinstance(mail, dict):
        return [("", "Bad Request: the body must be a JSON object.")]
    return [
        *_sender(mail),
        *_personalizations(mail),
        *_subject(mail),
        *_content(mail),
        *_arguments(mail.get("custom_args"), "custom_args"),
        *_headers(mail.get("headers"), "headers"),
        *_categories(mail.get("categories")),
        *_reply_to(mail),
    ]


def _sender(mail: Mapping[str, Any]) -> Iterator[Trouble]:
    sender = mail.get("from")
    if not isinstance(sender, dict) or not sender.get("email"):
        yield "from.email", "The from object must be provided for every email send, with its email parameter."
    elif not _is_address(sender["email"]):
        yield "from.email", "The from email does not contain a valid address."


def _personalizations(mail: Mapping[str, Any]) -> Iterator[Trouble]:
    rows = mail.get("personalizations")
    if not isinstance(rows, list) or not rows:
        yield "personalizations", "The personalizations field is required and must have at least one personalization."
        return
    if len(rows) > MAX_PERSONALIZATIONS:
        yield "personalizations", f"There must be at most {MAX_PERSONALIZATIONS} personalizations."
        return
    recipients = 0
    is_dynamic = str(mail.get("template_id", "")).startswith("d-")
    for number, row in enumerate(rows):
        path = f"personalizations.{number}"
        if not isinstance(row, dict):
            yield path, "Each personalization must be an object."
            continue
        recipients += sum(len(row.get(name) or ()) for name in ("to", "cc", "bcc") if isinstance(row.get(name), list))
        yield from _recipients(row, path)
        yield from _arguments(row.get("custom_args"), f"{path}.custom_args")
        yield from _headers(row.get("headers"), f"{path}.headers")
        yield from _substitutions(row.get("substitutions"), f"{path}.substitutions", is_dynamic)
    if recipients > MAX_RECIPIENTS:
        yield "personalizations", f"A request may have at most {MAX_RECIPIENTS} recipients, not {recipients}."


def _recipients(row: Mapping[str, Any], path: str) -> Iterator[Trouble]:
    if not isinstance(row.get("to"), list) or not row["to"]:
        yield f"{path}.to", "The to array is required for all personalization objects, with at least one address."
        return
    seen: set[str] = set()
    for field in ("to", "cc", "bcc"):
        for number, person in enumerate(row.get(field) or ()):
            email = person.get("email") if isinstance(person, dict) else None
            if not _is_address(email):
                yield f"{path}.{field}.{number}.email", "Does not contain a valid address."
            elif str(email).lower() in seen:
                yield path, "Each email address in the personalization block should be unique between to, cc, and bcc."
            else:
                seen.add(str(email).lower())


def _subject(mail: Mapping[str, Any]) -> Iterator[Trouble]:
    if mail.get("template_id"):
        return
    rows = mail.get("personalizations") or ()
    whole = bool(mail.get("subject"))
    if not whole and not (rows and all(isinstance(row, dict) and row.get("subject") for row in rows)):
        yield "subject", "The subject is required, here or in a template or in every personalization."


def _content(mail: Mapping[str, Any]) -> Iterator[Trouble]:
    parts = mail.get("content")
    if not parts:
        if not mail.get("template_id"):
            yield "content", "Unless a valid template_id is provided, the content parameter is required."
        return
    if not isinstance(parts, list):
        yield "content", "The content parameter must be an array."
        return
    kinds: list[str] = []
    for number, part in enumerate(parts):
        if not isinstance(part, dict) or not part.get("type") or not part.get("value"):
            yield f"content.{number}", "Each content object needs a type and a value of at least one character."
        else:
            kinds.append(str(part["type"]))
    if "text/plain" in kinds and "text/html" in kinds and kinds.index("text/plain") > kinds.index("text/html"):
        yield "content", "If present, text/plain and text/html may only be provided once, text/plain first."


def _arguments(value: Any, path: str) -> Iterator[Trouble]:
    if value is None:
        return
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        yield path, "custom_args must be an object of strings."
    elif sum(len(k.encode()) + len(v.encode()) for k, v in value.items()) > MAX_BYTES_OF_ARGUMENTS:
        yield path, f"custom_args may hold at most {MAX_BYTES_OF_ARGUMENTS} bytes."


def _headers(value: Any, path: str) -> Iterator[Trouble]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield path, "headers must be an object."
        return
    for name, content in value.items():
        if name.lower() in FORBIDDEN_HEADERS:
            yield f"{path}.{name}", f"The header {name} is reserved and cannot be set."
        elif not isinstance(content, str) or "\n" in content or "\r" in content:
            yield f"{path}.{name}", "A header's value must be one line of text."


def _substitutions(value: Any, path: str, is_dynamic: bool) -> Iterator[Trouble]:
    if value is None:
        return
    if is_dynamic:
        yield path, "Substitutions may not be used with dynamic templating."
    elif not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        yield path, "substitutions must be an object of strings."
    elif sum(len(k.encode()) + len(v.encode()) for k, v in value.items()) > MAX_BYTES_OF_ARGUMENTS:
        yield path, f"substitutions may hold at most {MAX_BYTES_OF_ARGUMENTS} bytes per personalization."


def _categories(value: Any) -> Iterator[Trouble]:
    if value is None:
        return
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        yield "categories", "categories must be an array of strings."
    elif len(value) > MAX_CATEGORIES:
        yield "categories", f"There may be at most {MAX_CATEGORIES} categories."
    elif len(set(value)) < len(value):
        yield "categories", "Each category must be unique."
    elif any(len(each) > MAX_CATEGORY for each in value):
        yield "categories", f"A category may have at most {MAX_CATEGORY} characters."


def _reply_to(mail: Mapping[str, Any]) -> Iterator[Trouble]:
    if "reply_to" in mail and "reply_to_list" in mail:
        yield "reply_to", "The reply_to object and reply_to_list array are mutually exclusive."


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 320 and ADDRESS.fullmatch(value) is not None
