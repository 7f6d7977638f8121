"""Webhooks of Stripe and HubSpot: verified, stored as they came, understood later by the intake job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from campaigns.intake.moments import Receipt
from campaigns.intake.store import BadItem, NewItem
from orchestrator.webhooks import body as bodies
from orchestrator.webhooks.errors import Unreadable

_LARGEST_MS = 253402300799999


def read_stripe(*, body: bytes) -> list[NewItem]:
    """One event. What it says about a subscription is read later; here it must only be an event. Raises Unreadable."""
    document = bodies.read_json(body)
    if not isinstance(document, Mapping):
        raise Unreadable("The body is not a Stripe event.")
    name, kind, created = document.get("id"), document.get("type"), document.get("created")
    if not (isinstance(name, str) and name and isinstance(kind, str) and kind):
        raise Unreadable("The Stripe event has no id or no type.")
    if isinstance(created, bool) or not isinstance(created, int) or not 0 <= created <= _LARGEST_MS // 1000:
        raise Unreadable("The Stripe event's created is not a unix time.")
    at = datetime.fromtimestamp(created, UTC)
    return [NewItem(kind=f"stripe.{kind}"[:60], message_id=name, payload=_text(document), at=at)]


def read_hubspot(*, body: bytes, receipt: Receipt) -> tuple[list[NewItem], list[BadItem]]:
    """A list of changes. `eventId` alone is not unique and attempts repeat it. Raises Unreadable."""
    document = bodies.read_json(body)
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise Unreadable("The body is not a list of HubSpot events.")
    items: list[NewItem] = []
    bad: list[BadItem] = []
    for event in document:
        if isinstance(event, Mapping) and isinstance(event.get("subscriptionType"), str):
            items.append(_hubspot_item(event, receipt))
        else:
            bad.append(BadItem("hubspot", "", _text(event), "The HubSpot event has no subscriptionType."))
    return items, bad


def _hubspot_item(event: Mapping[str, Any], receipt: Receipt) -> NewItem:
    parts = ("subscriptionId", "eventId", "objectId", "occurredAt", "propertyName")
    occurred = event.get("occurredAt")
    is_time = isinstance(occurred, int) and not isinstance(occurred, bool) and 0 <= occurred <= _LARGEST_MS
    return NewItem(
        kind=f"hubspot.{event['subscriptionType']}"[:60],
        message_id=":".join(str(event.get(part, "")) for part in parts),
        payload=_text({name: value for name, value in event.items() if name != "attemptNumber"}),
        at=datetime.fromtimestamp(occurred / 1000, UTC) if is_time else receipt.business,  # type: ignore[operator]
    )


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
