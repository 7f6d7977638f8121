"""Campaigns that their readers, or the carriers, do not want: too many complaints, too many texts filtered out.

Of what went out lately and since somebody last let the campaign go on. Mailbox providers ask for less than one
complaint in a thousand; a carrier that takes a sender for spam filters more of it the more it sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

# As Twilio's report says it, after the status.
FILTERED = "% 30007"
LATELY = timedelta(days=7)

# Few messages were complained about or failed, and each kind has an index of its own. Those that arrived are counted
# no further than to where the share is small enough.
_FIND = """
WITH counted AS (
    SELECT gate.slug, count(*) AS number, GREATEST(%(since)s, resumed.at) AS since
    FROM delivery_message message
    JOIN delivery_sendgate gate ON gate.id = message.gate_id
    CROSS JOIN LATERAL (
        SELECT max(at) AS at FROM operations_auditentry
        WHERE subject = 'campaign:' || gate.slug AND action = 'campaign.live'
    ) resumed
    WHERE {unwelcome} AND message.purpose = 'MARKETING' AND gate.state = 'OPEN'
        AND message.accepted_at >= GREATEST(%(since)s, resumed.at)
    GROUP BY gate.slug, resumed.at
    HAVING count(*) >= %(least)s
)
SELECT counted.slug, counted.number, arrived.number
FROM counted
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM (
        SELECT FROM delivery_message message
        WHERE message.origin_campaign = counted.slug AND message.channel = %(channel)s
            AND message.purpose = 'MARKETING' AND message.accepted_at >= counted.since AND {known}
        LIMIT ceil(counted.number / %(share)s)::bigint
    ) AS reached
) AS arrived
WHERE counted.number > %(share)s * arrived.number
ORDER BY counted.slug
"""

_COMPLAINTS = _FIND.format(
    unwelcome="message.complained_at IS NOT NULL",
    known="(message.delivered_at IS NOT NULL OR message.complained_at IS NOT NULL)",
)
_TEXTS = _FIND.format(
    unwelcome="""message.channel = 'sms' AND message.bounced_at IS NOT NULL AND EXISTS (
        SELECT FROM delivery_providerevent event WHERE event.message = message.uuid AND event.reason LIKE %(filtered)s
    )""",
    known="(message.delivered_at IS NOT NULL OR message.bounced_at IS NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class Unwelcome:
    """A running campaign that should rest: `number` of `of` that arrived, or that a carrier judged."""

    campaign: str
    channel: str
    number: int
    of: int


def find_unwelcome(*, now: datetime) -> list[Unwelcome]:
    """Of running marketing campaigns. A limit of 0 is none."""
    return [
        *_find(_COMPLAINTS, "email", settings.COMPLAINTS_PAUSE_PERCENT, settings.COMPLAINTS_PAUSE_LEAST, now),
        *_find(_TEXTS, "sms", settings.FILTERED_TEXTS_PAUSE_PERCENT, settings.FILTERED_TEXTS_PAUSE_LEAST, now),
    ]


def _find(statement: str, channel: str, percent: float, least: int, now: datetime) -> Sequence[Unwelcome]:
    if not percent:
        return ()
    params: dict[str, Any] = {
        "channel": channel,
        "share": percent / 100,
        "least": max(least, 1),
        "since": now - LATELY,
        "filtered": FILTERED,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [Unwelcome(slug, channel, number, of) for slug, number, of in cursor.fetchall()]
