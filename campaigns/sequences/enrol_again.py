"""Look a second time at who is in the audience and not in the campaign: what kept them out may be over.

Two kinds. Who was kept out for a reason (a failed payment, a no not long ago, nobody reachable) and is in the audience
still. And who left, came back while the re-entry rule said not yet, and stays: once the days are over they come in as
if they had come back then. A list of contacts is closed: whoever is on it was judged once.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from campaigns.operations import collector
from campaigns.segments import parse
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import candidates, enrol, planning_apart, selectors
from campaigns.sequences.campaign_file import BY_SEGMENT
from campaigns.sequences.enrol import Counts
from campaigns.sequences.models import Campaign, Entry


def enrol_kept_out(*, now: datetime) -> Counts:
    """For all live campaigns whose audience brings people in. Whoever is still kept out keeps the entry that stands."""
    total = Counts()
    failed: list[Exception] = []
    for campaign in enrol.live_campaigns():
        with planning_apart.one_of_many(what=f"Taking people into {campaign.slug}", failed=failed):
            if enrol.way_in(campaign) == BY_SEGMENT and not selectors.is_list(campaign=campaign):
                total.add(_look_again(campaign.pk, now))
    planning_apart.raise_together(failed)
    return total


def _look_again(campaign_id: int, now: datetime) -> Counts:
    total, last = Counts(), 0
    while True:
        with collector.paused(), transaction.atomic():
            campaign = enrol.lock(campaign_id)
            if campaign is None:
                return total
            stays = list(_not_taken(campaign).filter(pk__gt=last).order_by("pk")[: enrol.BATCH])
            arrivals = candidates.arrivals_of(stays=stays, now=now)
            total.add(enrol.enrol_arrivals(campaign=campaign, arrivals=arrivals, now=now, is_second_look=True))
        if len(stays) < enrol.BATCH:
            return total
        last = stays[-1].pk


def _not_taken(campaign: Campaign) -> QuerySet[SegmentMembership]:
    """Stays during which nobody of the account was taken in, neither enrolled nor held out."""
    taken = Entry.objects.filter(campaign=campaign, at__gte=OuterRef("entered_at"))
    taken = taken.exclude(outcome=Entry.Outcome.NOT_ENROLLED)
    assert campaign.segment is not None and campaign.segment.live_version is not None, "A launched campaign has one."
    if parse.as_definition(campaign.segment.live_version.definition).subject == "contact":
        taken = taken.filter(account__memberships__contact=OuterRef("contact"))
    else:
        taken = taken.filter(account=OuterRef("account"))
    return SegmentMembership.objects.filter(~Exists(taken), segment=campaign.segment, left_at__isnull=True)
