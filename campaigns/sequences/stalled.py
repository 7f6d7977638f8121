"""People who stand still: the next step of their way has been due for a while, and nobody has taken it; and accounts
that should have been taken in, and were not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, F, Min
from django.db.models.fields.json import KT

from campaigns.delivery import stalled as messages
from campaigns.sequences import enrol_apart, faults
from campaigns.sequences.models import Snag

_STALLED = """
WITH late AS (
    SELECT campaign.slug, campaign.status, snag.kind, snag.step_key, snag.detail,
        CASE WHEN campaign.status = 'LIVE' THEN GREATEST(enrolment.due_at, gate.changed_at)
            ELSE enrolment.due_at END AS since
    FROM sequences_enrolment enrolment
    JOIN sequences_campaign campaign ON campaign.id = enrolment.campaign_id
    LEFT JOIN delivery_sendgate gate ON gate.id = campaign.gate_id
    LEFT JOIN sequences_snag snag ON snag.enrolment_id = enrolment.id
    WHERE enrolment.state = 'OPEN' AND enrolment.due_at <= %(limit)s
        AND (%(campaign)s = '' OR campaign.slug = %(campaign)s)
    UNION ALL
    SELECT campaign.slug, campaign.status, snag.kind, snag.step_key, snag.detail, snag.since
    FROM sequences_snag snag
    JOIN sequences_enrolment enrolment ON enrolment.id = snag.enrolment_id
    JOIN sequences_campaign campaign ON campaign.id = enrolment.campaign_id
    WHERE enrolment.state = 'OPEN' AND (enrolment.due_at > %(limit)s OR enrolment.due_at IS NULL)
        AND (%(campaign)s = '' OR campaign.slug = %(campaign)s)
)
SELECT slug, status, count(*), min(since), COALESCE(kind, ''), COALESCE(min(step_key), ''), COALESCE(detail, '')
FROM late
WHERE since <= %(limit)s OR kind IS NOT NULL
GROUP BY slug, status, kind, detail
ORDER BY slug, kind, detail
"""


@dataclass(frozen=True, slots=True)
class Stalled:
    """Enrolments of one campaign. `since`: when the first of them should have gone on, business time. `kind`, `step`
    and `detail` are those of their snag, where they were looked at and could not be moved."""

    campaign: str
    status: str
    number: int
    since: datetime
    kind: str = ""
    step: str = ""
    detail: str = ""


def find_stalled(*, now: datetime, campaign: str = "") -> list[Stalled]:
    """Of one campaign by its slug, or of all; by the bound that holds for messages, and what has a snag at once. One
    statement."""
    params: dict[str, Any] = {"limit": now - messages.bound(), "campaign": campaign}
    with connection.cursor() as cursor:
        cursor.execute(_STALLED, params)
        return [Stalled(*row) for row in cursor.fetchall()]


def find_kept_out(*, now: datetime, campaign: str = "") -> list[Stalled]:
    """Accounts, not people: those that a fault of ours keeps out, at once, and those that nobody has looked at by the
    bound that holds for messages. Three statements."""
    rows = faults.kept_out(now=now).filter(**{"campaign__slug": campaign} if campaign else {})
    error = KT(f"evidence__{enrol_apart.KIND}")
    kinds = rows.values(slug=F("campaign__slug"), status=F("campaign__status"), error=error)
    found = [
        Stalled(one["slug"], one["status"], one["n"], one["since"], Snag.Kind.FAULT.value, detail=one["error"] or "")
        for one in kinds.annotate(n=Count("account", distinct=True), since=Min("at")).order_by("slug", "error")
    ]
    unread = faults.count_unread(limit=now - messages.bound(), campaign=campaign)
    return found + [Stalled(*one) for one in unread]
