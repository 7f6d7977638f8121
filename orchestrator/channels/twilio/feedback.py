"""Twilio's status callbacks, in our words.

One request tells one status of one message. Statuses come twice and out of order, and unknown fields come with
them. What they are about is in the address Twilio calls, not in the body: our own message's id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from orchestrator.channels.events import DeliveryEvent, EventType, RejectReason
from orchestrator.channels.twilio import codes
from orchestrator.webhooks import form
from orchestrator.webhooks.errors import Unreadable

PROVIDER = "twilio"
CHANNEL = "sms"

_TYPES = {
    "accepted": EventType.PROCESSED,
    "scheduled": EventType.PROCESSED,
    "queued": EventType.PROCESSED,
    "sending": EventType.PROCESSED,
    "sent": EventType.PROCESSED,
    "delivered": EventType.DELIVERED,
    "partially_delivered": EventType.DELIVERED,
    "read": EventType.OPENED,
    "canceled": EventType.DROPPED,
    "undelivered": EventType.BLOCKED,
    "failed": EventType.DROPPED,
}
_FAILURES = frozenset({"undelivered", "failed"})


def parse_status(body: bytes, *, message_id: str, at: datetime) -> DeliveryEvent:
    """The status in one verified body. `message_id` is from the address; `at` is when it came: Twilio names no time.

    Raises Unreadable where the address names no message of ours or the body no status.
    """
    try:
        message = UUID(message_id)
    except ValueError:
        raise Unreadable("The address of the status callback names no message.") from None
    fields = form.read_form(body)
    sid = fields.get("MessageSid") or fields.get("SmsSid", "")
    status = (fields.get("MessageStatus") or fields.get("SmsStatus", "")).lower()
    if not sid or not status:
        raise Unreadable("The status callback names no message or no status.")
    code = _code(fields) if status in _FAILURES else 0
    return DeliveryEvent(
        provider=PROVIDER,
        key=key_of(str(message), sid, status, str(code)),
        type=_type(status, code),
        at=at,
        message_id=message,
        attempt=None,
        address=fields.get("To", "").strip(),
        provider_id=sid,
        reason=f"{status} {code}" if code else "",
        channel=CHANNEL,
        code=str(code) if code else "",
        reject=codes.REJECTS.get(code),
    )


def key_of(*parts: str) -> bytes:
    """16 bytes that are the same however often Twilio tells it. A status has no time, so none is in it."""
    return hashlib.sha256("\x00".join((PROVIDER, *parts)).encode()).digest()[:16]


def _type(status: str, code: int) -> EventType:
    if status in _FAILURES and codes.REJECTS.get(code) is RejectReason.BAD_ADDRESS:
        return EventType.BOUNCED
    return _TYPES.get(status, EventType.UNKNOWN)


def _code(fields: Mapping[str, str]) -> int:
    text = fields.get("ErrorCode", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0
