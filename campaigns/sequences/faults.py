"""Who should have been taken into a campaign and was not: kept out by a fault of ours, or not read at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.sequences import campaign_file, shares
from campaigns.sequences.campaign_file import BY_SEGMENT
from campaigns.sequences.models import Campaign, Enrolment, Entry

# An event starts nothing later than this.
LATEST = timedelta(days=1)

# The pull reads every stay once, by transaction order; what it has passed is written down. The launch reads them all
# first, and what it did not come to is before the reader's place, too.
_UNREAD = """
SELECT campaign.slug, campaign.status, count(*),
    min(GREATEST(stay.entered_at, version.went_live_at, gate.changed_at))
FROM sequences_campaign campaign
JOIN sequences_campaignversion version ON version.id = campaign.live_version_id
LEFT JOIN delivery_sendgate gate ON gate.id = campaign.gate_id
CROSS JOIN unnest(%(shares)s::int[]) AS share
LEFT JOIN operations_pullcursor reader
    ON reader.name = 'enrol:' || campaign.slug || CASE share WHEN 0 THEN '' ELSE ':' || share END
JOIN segments_segmentmembership stay ON stay.segment_id = campaign.segment_id
    AND (stay.xid, stay.id) > (COALESCE(reader.xid, 0)::text::xid8, COALESCE(reader.row_id, 0))
    AND COALESCE(mod(stay.account_id, %(number)s), 0) = share
WHERE campaign.status = 'LIVE' AND campaign.id = ANY(%(campaigns)s)
    AND stay.left_at IS NULL AND stay.entered_at <= %(limit)s
    AND version.went_live_at <= %(limit)s AND gate.changed_at <= %(limit)s
    AND NOT EXISTS (
        SELECT 1 FROM sequences_entry entry
        WHERE entry.campaign_id = campaign.id AND (entry.stay_id = stay.id OR entry.account_id = stay.account_id))
GROUP BY campaign.slug, campaign.status
"""


def kept_out(*, now: datetime, campaign: Campaign | None = None) -> QuerySet[Entry]:
    """The entries of those whom a fault of ours keeps out still, and who would be taken in. Of a contact it is what
    became of that contact since, or of the whole account, that counts: a colleague may be inside."""
    later = Entry.objects.filter(
        campaign=OuterRef("campaign"), account=OuterRef("account"), number__gt=OuterRef("number")
    )
    theirs = later.filter(Q(stay__contact=OuterRef("stay__contact")) | Q(outcome=Entry.Outcome.HOLDOUT))
    taken_in = Enrolment.objects.filter(
        campaign=OuterRef("campaign"), contact=OuterRef("stay__contact"), enrolled_at__gte=OuterRef("at")
    )
    rows = Entry.objects.filter(
        Q(stay__contact__isnull=True) & ~Exists(later)
        | Q(stay__contact__isnull=False) & ~Exists(theirs) & ~Exists(taken_in),
        Q(stay__isnull=True) | Q(stay__left_at__isnull=True),
        ~Q(source=Entry.Source.EVENT) | Q(at__gt=now - LATEST),
        campaign__status=Campaign.Status.LIVE,
        outcome=Entry.Outcome.NOT_ENROLLED,
        reason=Entry.Reason.FAULT,
    )
    return rows if campaign is None else rows.filter(campaign=campaign)


def count_unread(*, limit: datetime, campaign: str = "") -> list[tuple[str, str, int, datetime]]:
    """Who came into the audience of a live campaign before `limit`, and nothing is written of them: by campaign its
    slug and status, how many, and since when. Where an event or a file brings people in, nobody waits to be read.
    Two statements."""
    params: dict[str, Any] = {
        "limit": limit,
        "campaigns": _that_read_their_audience(campaign),
        "shares": list(shares.SHARES),
        "number": len(shares.SHARES),
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNREAD, params)
        return cursor.fetchall()


def _that_read_their_audience(slug: str) -> list[int]:
    """Judged by what enrols: a way in that the file leaves unsaid follows from the rest of its entry rule."""
    rows = Campaign.objects.filter(**{"slug": slug} if slug else {}, status=Campaign.Status.LIVE)
    found = rows.values_list("pk", "live_version__definition__entry")
    return [pk for pk, entry in found if campaign_file.read_entry({"entry": entry or {}}).by == BY_SEGMENT]
