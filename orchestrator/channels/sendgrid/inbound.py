"""Mail to us, as SendGrid's Inbound Parse hands it on: a form with a field per part. Attachments are not looked at."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser
from email.utils import parseaddr

from orchestrator.webhooks.errors import Unreadable

PROVIDER = "sendgrid_inbound"
# The form is to be read as this: every byte is one letter of it, so that nothing is lost before `charsets` is known.
AS_BYTES = "latin-1"
LONGEST_MAIL = 40 * 1024 * 1024
_LONGEST_TEXT = 20_000
_ANSWER = re.compile(r"^\s*(?:re|fw|fwd|aw|השב|הועבר|raspuns|redir)\s*:", re.IGNORECASE)
_TAGS = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<blockquote\b.*|<[^>]*>", re.IGNORECASE | re.DOTALL)
_ROBOTS = frozenset({"bulk", "list", "junk", "auto_reply"})


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """`recipients` are the envelope's, in lower case. `subject` is empty where it is the answered mail's own.

    `is_automatic`: an out-of-office note, a list, a bounce; nobody said anything.
    """

    key: bytes
    message_id: str
    sender: str = field(repr=False)
    recipients: tuple[str, ...] = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    is_automatic: bool = False


def parse_mail(form: Mapping[str, str]) -> IncomingMail:
    """The fields of a form that was read AS_BYTES. Raises Unreadable where it names nobody who wrote."""
    charsets = _json(_decode(form, "charsets", {}))
    headers = HeaderParser().parsestr(_decode(form, "headers", charsets))
    envelope = _json(_decode(form, "envelope", charsets))
    sender = parseaddr(_decode(form, "from", charsets))[1] or str(envelope.get("from") or "")
    if "@" not in sender:
        raise Unreadable("The mail names no sender.")
    text = _decode(form, "text", charsets) or _TAGS.sub(" ", _decode(form, "html", charsets))
    subject = _decode(form, "subject", charsets)
    message_id = str(headers.get("Message-ID") or "").strip()
    named = message_id or "\x00".join((sender, subject, text))
    recipients = envelope.get("to")
    return IncomingMail(
        key=hashlib.sha256(f"{PROVIDER}\x00{named}".encode(errors="replace")).digest()[:16],
        message_id=message_id[:200],
        sender=sender.strip().lower(),
        recipients=tuple(str(one).strip().lower() for one in recipients) if isinstance(recipients, list) else (),
        subject="" if _ANSWER.match(subject) else subject.strip(),
        text=text[:_LONGEST_TEXT].replace("\x00", ""),
        is_automatic=_is_automatic(headers),
    )


def _decode(form: Mapping[str, str], name: str, charsets: Mapping[str, object]) -> str:
    raw = form.get(name, "").encode(AS_BYTES, errors="replace")
    charset = charsets.get(name)
    try:
        return raw.decode(charset if isinstance(charset, str) and charset else "utf-8")
    except (UnicodeDecodeError, LookupError):
        return raw.decode("utf-8", errors="replace")


def _json(text: str) -> dict[str, object]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_automatic(headers: Message) -> bool:
    """RFC 3834, and what older programs write."""
    submitted = str(headers.get("Auto-Submitted") or "no").strip().lower()
    precedence = str(headers.get("Precedence") or "").strip().lower()
    has_mark = any(headers.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress"))
    return submitted != "no" or precedence in _ROBOTS or has_mark
