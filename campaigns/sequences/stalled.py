"""People who stand still: the next step of their way has been due for a while, and nobody has taken it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.delivery import stalled as messages

_STALLED = """
WITH late AS (
    SELECT campaign.slug, campaign.status,
        CASE WHEN campaign.status = 'LIVE' THEN GREATEST(enrolment.due_at, gate.changed_at)
            ELSE enrolment.due_at END AS since
    FROM sequences_enrolment enrolment
    JOIN sequences_campaign campaign ON campaign.id = enrolment.campaign_id
    LEFT JOIN delivery_sendgate gate ON gate.id = campaign.gate_id
    WHERE enrolment.state = 'OPEN' AND enrolment.due_at <= %(limit)s
        AND (%(campaign)s = '' OR campaign.slug = %(campaign)s)
)
SELECT slug, status, count(*), min(since) FROM late
WHERE since <= %(limit)s
GROUP BY slug, status
ORDER BY slug
"""


@dataclass(frozen=True, slots=True)
class Stalled:
    """Enrolments of one campaign. `since`: when the first of them should have gone on, business time."""

    campaign: str
    status: str
    number: int
    since: datetime


def find_stalled(*, now: datetime, campaign: str = "") -> list[Stalled]:
    """Of one campaign by its slug, or of all; by the bound that holds for messages. One statement."""
    params: dict[str, Any] = {"limit": now - messages.bound(), "campaign": campaign}
    with connection.cursor() as cursor:
        cursor.execute(_STALLED, params)
        return [Stalled(*row) for row in cursor.fetchall()]
