"""Look a second time at who is in the audience and not in the campaign: what kept them out may be over.

Two kinds. Who was kept out for a reason (a failed payment, a no not long ago, nobody reachable) and is in the audience
still. And who left, came back while the re-entry rule said not yet, and stays: once the days are over they come in as
if they had come back then. A list of contacts is closed: whoever is on it was judged once.

A round goes through all live campaigns, batch by batch. Its place is a row: a job that is at its end, or dies, leaves
the rest to the next one. Two at it at once do no harm, only work for nothing: a batch is read anew under the lock that
all share who take in, and the place is moved by whoever stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.operations import collector, pulling
from campaigns.operations.models import PullCursor
from campaigns.segments import parse
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import candidates, enrol, enrol_apart, faults, planning_apart, selectors
from campaigns.sequences.campaign_file import BY_SEGMENT
from campaigns.sequences.candidates import Arrival
from campaigns.sequences.counts import Counts
from campaigns.sequences.models import Campaign, Entry

# The place of the round: as `xid` the campaign, as `row_id` the last of its stays that was looked at.
_PLACE = "enrol-again"


@dataclass(frozen=True, slots=True)
class Place:
    campaign: Campaign
    after: int


def enrol_kept_out(*, now: datetime) -> Counts:
    """The rest of the round; a whole one, where none was broken off."""
    total = Counts()
    failed: list[Exception] = []
    while (place := go_on()) is not None:
        total.add(look_there(place=place, failed=failed, now=now))
    planning_apart.raise_together(failed)
    return total


def is_broken_off() -> bool:
    """Whether a round was begun and is not at its end."""
    return PullCursor.objects.filter(name=_PLACE, xid__gt=0).exists()


@transaction.atomic
def go_on() -> Place | None:
    """The round's next campaign, and behind which of its stays; None at the round's end, behind which the next begins.

    The round's place is behind the campaign then: a batch that the job does not survive waits for the next round, and
    keeps nobody behind it from this one. So does the rest of a campaign that cannot be read."""
    place = pulling.lock_cursor(name=_PLACE)
    campaign = enrol.live_campaigns().filter(pk__gte=place.xid).order_by("pk").first()
    if campaign is None:
        pulling.restart_cursor(cursor=place)
        return None
    after = place.row_id if campaign.pk == place.xid else 0
    _put_place(before=(place.xid, place.row_id), then=(campaign.pk + 1, 0))
    return Place(campaign, after)


def look_there(*, place: Place, failed: list[Exception], now: datetime) -> Counts:
    """One batch. Whoever is still kept out keeps the entry that stands. Where it is not the audience that brings people
    in, and of a list, only those are looked at whom a fault of ours kept out."""
    campaign, total = place.campaign, Counts()
    with planning_apart.one_of_many(what=f"Taking people into {campaign.slug}", failed=failed):
        if enrol.way_in(campaign) == BY_SEGMENT and not selectors.is_list(campaign=campaign):
            batch = partial(_look_at, campaign.pk, _read_batch(place, now), now)
        else:
            batch = partial(_try_again, campaign.pk, now)
        total.add(enrol_apart.despite_faults(batch, slug=campaign.slug))
    return total


@transaction.atomic
def _read_batch(place: Place, now: datetime) -> list[int]:
    """The keys of the next stays of it; the round's place is behind them then, unless others have gone on with it."""
    campaign_id = place.campaign.pk
    stays = _not_taken(place.campaign, now).filter(pk__gt=place.after).order_by("pk")
    ids = list(stays.values_list("pk", flat=True)[: enrol.BATCH])
    if len(ids) == enrol.BATCH:
        _put_place(before=(campaign_id + 1, 0), then=(campaign_id, ids[-1]))
    return ids


def _put_place(*, before: tuple[int, int], then: tuple[int, int]) -> None:
    here = PullCursor.objects.filter(name=_PLACE, xid=before[0], row_id=before[1])
    here.update(xid=then[0], row_id=then[1])


def _look_at(campaign_id: int, ids: Sequence[int], now: datetime, *, apart: bool) -> Counts:
    with collector.paused(), transaction.atomic():
        campaign = enrol.lock(campaign_id)
        if campaign is None:
            return Counts()
        # Since they were read, others may have taken them in.
        stays = list(_not_taken(campaign, now).filter(pk__any=ids).order_by("pk"))
        return _take_in(campaign, candidates.arrivals_of(stays=stays, now=now), apart, now)


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
        act=lambda part: _enrol(campaign, part, now),
        apart=apart,
        now=now,
    )
    return counts


def _enrol(campaign: Campaign, arrivals: Sequence[Arrival], now: datetime) -> Counts:
    counts = enrol.enrol_arrivals(campaign=campaign, arrivals=arrivals, now=now, is_second_look=True)
    stays = [one.stay.pk for one in arrivals if one.contact_id and one.stay is not None]
    if stays:
        # Beside a colleague who came in, it is still to be written what keeps them out now.
        faulty = set(faults.kept_out(campaign=campaign, now=now).filter(stay__any=stays).values_list("stay", flat=True))
        rest = [one for one in arrivals if one.stay is not None and one.stay.pk in faulty]
        if rest:
            counts.add(enrol.enrol_arrivals(campaign=campaign, arrivals=rest, now=now, is_second_look=True))
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
