"""SendGrid's event webhook, in our words.

A body is a JSON array of up to thousands of events, repeated and out of order at will. One
malformed event is set aside with its reason; its neighbours are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from orchestrator.channels.events import DeliveryEvent, EventType, Grade
from orchestrator.webhooks import body as bodies
from orchestrator.webhooks.errors import Unreadable

PROVIDER = "sendgrid"

_TYPES = {
    "processed": EventType.PROCESSED,
    "deferred": EventType.DEFERRED,
    "delivered": EventType.DELIVERED,
    "bounce": EventType.BOUNCED,
    "dropped": EventType.DROPPED,
    "open": EventType.OPENED,
    "click": EventType.CLICKED,
    "spamreport": EventType.COMPLAINED,
    "unsubscribe": EventType.UNSUBSCRIBED,
    "group_unsubscribe": EventType.UNSUBSCRIBED,
}
_LATEST = 253402300799  # 9999-12-31T23:59:59Z: the last second that a datetime can hold
_HIGHEST_ATTEMPT = 32767


@dataclass(frozen=True, slots=True)
class Problem:
    """An event that could not be understood, by its place in the batch; `raw` is kept for a person to look at."""

    index: int
    reason: str
    raw: Any = field(repr=False)


def parse_events(body: bytes) -> tuple[list[DeliveryEvent], list[Problem]]:
    """Everything in one verified body. Raises webhooks.errors.Unreadable when it is no list at all.

    Clicks come out with grade UNKNOWN: whether a person or a scanner clicked is judged from
    timing and neighbours, which a single event does not show.
    """
    batch = bodies.read_json(body)
    if not isinstance(batch, list):
        raise Unreadable("SendGrid's events must be a JSON array.")
    events: list[DeliveryEvent] = []
    problems: list[Problem] = []
    for index, raw in enumerate(batch):
        try:
            events.append(_parse_event(raw))
        except _Malformed as error:
            problems.append(Problem(index=index, reason=str(error), raw=raw))
    return events, problems


class _Malformed(Exception):
    pass


def _parse_event(raw: Any) -> DeliveryEvent:
    if not isinstance(raw, dict):
        raise _Malformed("The event is not a JSON object.")
    word = raw.get("event")
    if not isinstance(word, str) or not word:
        raise _Malformed("The event has no type.")
    timestamp = _timestamp(raw.get("timestamp"))
    message_id = _uuid(raw.get("crescendo_message"))
    address = _text(raw, "email").strip().lower()
    kind = _type(word, raw)
    if kind is not EventType.UNKNOWN and message_id is None and not address:
        raise _Malformed("The event names neither a message of ours nor an address.")
    reason = _text(raw, "reason") or _text(raw, "response")
    url = _text(raw, "url")
    grade = Grade.PROXY if raw.get("sg_machine_open") is True else Grade.UNKNOWN
    # A person and a machine may open or click within the same second: who it was tells the two reports apart.
    who = [part for part in (_text(raw, "useragent"), grade if grade == Grade.PROXY else "") if part]
    return DeliveryEvent(
        provider=PROVIDER,
        key=_key(str(message_id or address), word, timestamp, "\x00".join([url or reason, *who])),
        type=kind,
        at=datetime.fromtimestamp(timestamp, UTC),
        message_id=message_id,
        attempt=_attempt(raw.get("crescendo_attempt")),
        address=address,
        provider_id=_text(raw, "sg_message_id"),
        reason=reason,
        url=url,
        grade=grade,
        raw=raw,
    )


def _type(word: str, raw: Mapping[str, Any]) -> EventType:
    if word == "bounce" and raw.get("type") == "blocked":
        return EventType.BLOCKED
    return _TYPES.get(word, EventType.UNKNOWN)


def _key(subject: str, word: str, timestamp: int, detail: str) -> bytes:
    """Ours, because SendGrid's own event id was seen to change when an event is sent again."""
    parts = "\x00".join((subject, word, str(timestamp), detail))
    return hashlib.sha256(parts.encode("utf-8")).digest()[:16]


def _timestamp(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LATEST:
        raise _Malformed("The event's time stamp is missing or not a unix time.")
    return int(value)


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _attempt(value: Any) -> int | None:
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        return None
    return int(text) if 1 <= int(text) <= _HIGHEST_ATTEMPT else None


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""
