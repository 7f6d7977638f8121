"""Look a second time at who is in the audience and not in the campaign: what kept them out may be over.

Two kinds. Who was kept out for a reason (a failed payment, a no not long ago, nobody reachable) and is in the audience
still. And who left, came back while the re-entry rule said not yet, and stays: once the days are over they come in as
if they had come back then. A list of contacts is closed: whoever is on it was judged once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.operations import collector
from campaigns.segments import parse
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import candidates, enrol, enrol_apart, faults, planning_apart, selectors
from campaigns.sequences.campaign_file import BY_SEGMENT
from campaigns.sequences.candidates import Arrival
from campaigns.sequences.counts import Counts
from campaigns.sequences.models import Campaign, Entry


def enrol_kept_out(*, now: datetime) -> Counts:
    """For all live campaigns. Whoever is still kept out keeps the entry that stands. Where it is not the audience that
    brings people in, and of a list, only those are looked at whom a fault of ours kept out."""
    total = Counts()
    failed: list[Exception] = []
    for campaign in enrol.live_campaigns():
        with planning_apart.one_of_many(what=f"Taking people into {campaign.slug}", failed=failed):
            if enrol.way_in(campaign) == BY_SEGMENT and not selectors.is_list(campaign=campaign):
                total.add(_look_again(campaign, now))
            else:
                total.add(enrol_apart.despite_faults(partial(_try_again, campaign.pk, now), slug=campaign.slug))
    planning_apart.raise_together(failed)
    return total


def _look_again(campaign: Campaign, now: datetime) -> Counts:
    total, last = Counts(), 0
    while True:
        newest, counts = enrol_apart.despite_faults(partial(_look_at, campaign.pk, last, now), slug=campaign.slug)
        total.add(counts)
        if newest is None:
            return total
        last = newest


def _look_at(campaign_id: int, last: int, now: datetime, *, apart: bool) -> tuple[int | None, Counts]:
    """Beside what became of them the last stay looked at, None behind the last one."""
    with collector.paused(), transaction.atomic():
        campaign = enrol.lock(campaign_id)
        if campaign is None:
            return None, Counts()
        stays = list(_not_taken(campaign, now).filter(pk__gt=last).order_by("pk")[: enrol.BATCH])
        counts = _take_in(campaign, candidates.arrivals_of(stays=stays, now=now), apart, now)
    return stays[-1].pk if len(stays) == enrol.BATCH else None, counts


def _try_again(campaign_id: int, now: datetime, *, apart: bool) -> Counts:
    with transaction.atomic():
        campaign = enrol.lock(campaign_id)
        if campaign is None:
            return Counts()
        # Others each time: those whose fault lasts keep nobody from being tried.
        kept_out = faults.kept_out(campaign=campaign, now=now).order_by("?")[: enrol.BATCH]
        arrivals = [
            Arrival(
                account_id=entry.account_id,
                contact_id=entry.stay.contact_id if entry.stay else None,
                at=now,
                stay=entry.stay,
                source=entry.source,
                occasion=entry.occasion,
            )
            for entry in kept_out.select_related("stay")
        ]
        return _take_in(campaign, arrivals, apart, now)


def _take_in(campaign: Campaign, arrivals: Sequence[Arrival], apart: bool, now: datetime) -> Counts:
    counts, _ = enrol_apart.take_in(
        campaign=campaign,
        arrivals=arrivals,
        act=lambda part: enrol.enrol_arrivals(campaign=campaign, arrivals=part, now=now, is_second_look=True),
        apart=apart,
        now=now,
    )
    return counts


def _not_taken(campaign: Campaign, now: datetime) -> QuerySet[SegmentMembership]:
    """Stays during which nobody of the account was taken in, neither enrolled nor held out; and those that a fault of
    ours keeps out beside a colleague."""
    taken = Entry.objects.filter(campaign=campaign, at__gte=OuterRef("entered_at"))
    taken = taken.exclude(outcome=Entry.Outcome.NOT_ENROLLED)
    assert campaign.segment is not None and campaign.segment.live_version is not None, "A launched campaign has one."
    if parse.as_definition(campaign.segment.live_version.definition).subject == "contact":
        taken = taken.filter(account__memberships__contact=OuterRef("contact"))
    else:
        taken = taken.filter(account=OuterRef("account"))
    faulty = faults.kept_out(campaign=campaign, now=now).values("stay")
    rows = SegmentMembership.objects.filter(segment=campaign.segment, left_at__isnull=True)
    return rows.filter(~Exists(taken) | Q(pk__in=faulty))
