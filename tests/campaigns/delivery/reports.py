"""Provider reports as the adapter hands them over."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from orchestrator.channels.events import DeliveryEvent, EventType, Grade
from tests.factories.delivery import NOW

BROWSER = "Mozilla/5.0 (Windows NT 10.0) Chrome/140"


def report(
    kind: EventType,
    *,
    message=None,
    after: timedelta = timedelta(0),
    address: str = "",
    url: str = "",
    reason: str = "",
    agent: str = BROWSER,
    at: datetime | None = None,
) -> DeliveryEvent:
    moment = at or NOW + after
    uuid = message.uuid if message else None
    parts = f"{uuid or address}|{kind}|{moment.isoformat()}|{url}|{reason}"
    return DeliveryEvent(
        provider="sendgrid",
        key=sha256(parts.encode()).digest()[:16],
        type=kind,
        at=moment,
        message_id=uuid,
        attempt=1 if message else None,
        address=address or (message.contact.email if message else ""),
        url=url,
        reason=reason,
        grade=Grade.UNKNOWN,
        raw={"useragent": agent},
    )
