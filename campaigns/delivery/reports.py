"""A provider's report as it is stored: with a hash of the address it names, and with no address in its words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from campaigns.consent.models import ContactPoint
from campaigns.delivery import grading
from campaigns.delivery.models import Message, PastMessage
from campaigns.profiles import addresses
from orchestrator import http
from orchestrator.channels.events import DeliveryEvent, EventType, Grade

# In an address of the web: `mailto:` somebody, or somebody in a parameter.
_SOMEBODY = re.compile(r"[^/?&=#:\s]+(?:@|%40)[^/?&=#\s]+", re.IGNORECASE)


def rows_of(*, events: Sequence[DeliveryEvent]) -> list[dict[str, Any]]:
    """One row for each, in their order. Of somebody erased neither words nor addresses are kept."""
    erased = _erased(events)
    return [_row(event, is_erased=not erased.isdisjoint({event.message_id, *_hashes(event)})) for event in events]


def _erased(events: Iterable[DeliveryEvent]) -> set[object]:
    """Messages to people who were erased, and the hashes of their addresses."""
    telling = [event for event in events if event.reason or event.url]
    uuids = {event.message_id for event in telling if event.message_id}
    hashes = {value for event in telling for value in _hashes(event)}
    gone = Message.objects.filter(uuid__in=uuids, contact__erased_at__isnull=False)
    gone_long = PastMessage.objects.filter(pk__in=uuids, contact__erased_at__isnull=False)
    points = ContactPoint.objects.filter(address_hash__any=hashes, reason=ContactPoint.Reason.ERASED)
    return {
        *gone.values_list("uuid", flat=True),
        *gone_long.values_list("uuid", flat=True),
        *(bytes(value) for value in points.values_list("address_hash", flat=True)),
    }


def _hashes(event: DeliveryEvent) -> tuple[bytes, ...]:
    return addresses.hashes_of(event.address) if event.address else ()


def _row(event: DeliveryEvent, *, is_erased: bool) -> dict[str, Any]:
    grade = event.grade
    if event.type == EventType.CLICKED and grade == Grade.UNKNOWN:
        grade = grading.grade_user_agent(user_agent=_user_agent(event))
    return {
        "provider": event.provider,
        "key": event.key,
        "type": event.type.value,
        "grade": grade.value,
        "at": event.at,
        "message": event.message_id,
        "attempt": event.attempt,
        "address_hash": _hashes(event)[0] if event.address else None,
        "reason": "" if is_erased else http.redact(event.reason),
        "url": "" if is_erased else _SOMEBODY.sub("[address]", event.url),
        "applied_at": None,
    }


def _user_agent(event: DeliveryEvent) -> str:
    value = (event.raw or {}).get("useragent")
    return value if isinstance(value, str) else ""
