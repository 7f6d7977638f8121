"""Mail to us, as SendGrid's Inbound Parse hands it on: a form with a field per part. Attachments are not looked at."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser
from email.utils import parseaddr

from orchestrator.channels.sendgrid import html_text
from orchestrator.webhooks.errors import Unreadable

PROVIDER = "sendgrid_inbound"
# The form is to be read as this: every byte is one letter of it, so that nothing is lost before `charsets` is known.
AS_BYTES = "latin-1"
# SendGrid takes in mails of up to 30 MB; nothing after this is read.
LONGEST_MAIL = 40 * 1024 * 1024
FIELDS = frozenset({"headers", "envelope", "charsets", "from", "subject", "text", "html"})
# Of a field no more is kept, and of what somebody wrote no more is looked at.
LONGEST_FIELD = 256 * 1024
_LONGEST_TEXT = 20_000
_LONGEST_HTML = 200_000
# One line of a mail (RFC 5322); what a name nests deeper than this is no name.
_LONGEST_LINE = 998
# Their decoders take the square of the length; no mail is written in them.
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"})
_ANSWER = re.compile(r"^\s*(?:re|fw|fwd|aw|השב|הועבר|raspuns|redir)\s*:", re.IGNORECASE)
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
    sender = _address(_decode(form, "from", charsets)) or _address(str(envelope.get("from") or ""))
    if not sender:
        raise Unreadable("The mail names no sender.")
    text = _decode(form, "text", charsets)[:_LONGEST_TEXT]
    if not text.strip():
        text = html_text.read_text(_decode(form, "html", charsets)[:_LONGEST_HTML])[:_LONGEST_TEXT]
    subject = _decode(form, "subject", charsets)[:_LONGEST_LINE]
    message_id = str(headers.get("Message-ID") or "").strip()
    named = message_id or "\x00".join((sender, subject, text))
    recipients = envelope.get("to")
    return IncomingMail(
        key=hashlib.sha256(f"{PROVIDER}\x00{named}".encode(errors="replace")).digest()[:16],
        message_id=message_id[:200],
        sender=sender.strip().lower(),
        recipients=tuple(str(one).strip().lower() for one in recipients) if isinstance(recipients, list) else (),
        subject="" if _ANSWER.match(subject) else subject.strip(),
        text=text.replace("\x00", ""),
        is_automatic=_is_automatic(headers),
    )


def _address(text: str) -> str:
    """Empty where there is none, or one that only a machine would write."""
    try:
        found = parseaddr(text[:_LONGEST_LINE])[1]
    except RecursionError:
        return ""
    return found if "@" in found else ""


def _decode(form: Mapping[str, str], name: str, charsets: Mapping[str, object]) -> str:
    """What is no text in the charset that the mail names is read as UTF-8; a letter that was cut at the end is not."""
    raw = form.get(name, "")[:LONGEST_FIELD].encode(AS_BYTES, errors="replace")
    errors = "strict" if len(raw) < LONGEST_FIELD else "replace"
    try:
        return raw.decode(_charset(charsets.get(name)), errors)
    except (ValueError, LookupError):
        return raw.decode("utf-8", errors="replace")


def _charset(named: object) -> str:
    """Raises LookupError for one that is not known."""
    name = codecs.lookup(named).name if isinstance(named, str) and named else "utf-8"
    return "utf-8" if name.replace("-", "_") in _NO_CHARSETS else name


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
