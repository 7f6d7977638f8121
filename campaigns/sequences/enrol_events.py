"""Take in whom an event brings in: it happened to somebody in the audience, after they were last looked at.

Events carry no transaction id, and ids are given out before commit. So a campaign keeps two marks: up to the first all
events are read for good; the second is the newest id at some moment, with the transactions that could still commit an
older one. Once those are over the first mark moves up to the second. What lies between is read again and again until
then, and that does no harm: whether an event brings somebody in is judged as of its own time.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction

from campaigns.operations import pulling
from campaigns.segments import evaluate, nodes, occurrences, parse, refresh
from campaigns.segments.models import SegmentMembership
from campaigns.segments.occurrences import Occurrence
from campaigns.sequences import campaign_file, enrol, enrol_apart, faults, planning_apart
from campaigns.sequences.campaign_file import BY_EVENT
from campaigns.sequences.candidates import Arrival
from campaigns.sequences.counts import Counts
from campaigns.sequences.models import Campaign, CampaignVersion, Entry

BATCH = 1000
# An import of last week's events starts nothing; nor does, when a paused campaign is resumed, what happened to somebody
# longer ago than this: the occasion is gone, and a message about it would be out of place.
LATEST = faults.LATEST

_NEWEST = """
SELECT COALESCE((SELECT max(id) FROM usage_usageevent), 0),
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""


def enrol_happened(*, now: datetime) -> Counts:
    """For all live campaigns that an event brings people into. One that fails keeps no other from its people: an
    ExceptionGroup at the end says so."""
    total = Counts()
    failed: list[Exception] = []
    for campaign in enrol.live_campaigns():
        with planning_apart.one_of_many(what=f"Taking people into {campaign.slug}", failed=failed):
            _enrol_happened(campaign, total, now)
    planning_apart.raise_together(failed)
    return total


def _enrol_happened(campaign: Campaign, total: Counts, now: datetime) -> None:
    while enrol.way_in(campaign) == BY_EVENT:
        read, counts = enrol_apart.despite_faults(partial(_read_batch, campaign.pk, now), slug=campaign.slug)
        total.add(counts)
        if read < BATCH:
            break


@transaction.atomic
def _read_batch(campaign_id: int, now: datetime, *, apart: bool) -> tuple[int, Counts]:
    campaign = enrol.lock(campaign_id)
    if campaign is None or enrol.way_in(campaign) != BY_EVENT:
        return 0, Counts()
    read, ahead = (pulling.lock_cursor(name=f"enrol-{name}:{campaign.slug}") for name in ("events", "events-ahead"))
    newest = _newest()
    assert campaign.live_version is not None, "It is live."
    event = _event_of(campaign.live_version.definition)
    found = occurrences.find_occurrences(
        event=event,
        after_id=read.row_id,
        since=max(_began_at(campaign), now - LATEST),
        now=now,
        limit=BATCH,
    )
    counts, is_whole = enrol_apart.take_in(
        campaign=campaign,
        arrivals=_arrivals(campaign, event, found, now),
        act=lambda part: enrol.enrol_arrivals(campaign=campaign, arrivals=part, now=now),
        apart=apart,
        now=now,
    )
    if not is_whole or newest.oldest_open < ahead.xid:
        return 0, counts
    if len(found) == BATCH:
        read.row_id = max(min(found[-1].id, ahead.row_id), read.row_id)
    if len(found) < BATCH or found[-1].id >= ahead.row_id:
        read.row_id, ahead.row_id, ahead.xid = max(ahead.row_id, read.row_id), newest.id, newest.next_transaction
    for mark in (read, ahead):
        mark.save(update_fields=["row_id", "xid"])
    return len(found), counts


def _began_at(campaign: Campaign) -> datetime:
    """Since when events have brought people into the campaign without a break, over however many versions: what
    happened a moment before a new version took the place of another has not been read by either."""
    versions = CampaignVersion.objects.filter(campaign=campaign, went_live_at__isnull=False).order_by("-went_live_at")
    by_event = itertools.takewhile(lambda one: campaign_file.read_entry(one.definition).by == BY_EVENT, versions)
    return min(one.went_live_at for one in by_event if one.went_live_at is not None)


@dataclass(frozen=True, slots=True)
class _Newest:
    """`oldest_open`: all transactions before it are over; `next_transaction`: none from it on has begun."""

    id: int
    oldest_open: int
    next_transaction: int


def _newest() -> _Newest:
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST)
        return _Newest(*cursor.fetchone())


def _event_of(document: Mapping[str, Any]) -> nodes.Event:
    said = campaign_file.read_entry(document).event
    assert said is not None, "Asked before."
    root = parse.read_definition(dict(said)).root
    assert isinstance(root, nodes.Event), "It was read as one when the file was applied."
    return root


def _arrivals(campaign: Campaign, event: nodes.Event, found: Sequence[Occurrence], now: datetime) -> list[Arrival]:
    """Of a contact audience the contact whom it happened to, else the account; those in the audience by now."""
    assert campaign.segment is not None and campaign.segment.live_version is not None, "A launched campaign has one."
    definition = parse.as_definition(campaign.segment.live_version.definition)
    of_contacts = definition.subject == "contact"
    ids = {one.contact_id if of_contacts else one.account_id for one in found} - {None}
    inside = evaluate.matching_ids(document=definition, ids=[pk for pk in ids if pk], now=now) if ids else set()
    side = "contact_id" if of_contacts else "account_id"
    # Whom the segment's next refresh would find: without a stay nobody could be seen to leave.
    refresh.note_inside(segment=campaign.segment, subject=definition.subject, ids=inside, now=now)
    stays = SegmentMembership.objects.filter(
        segment=campaign.segment, left_at__isnull=True, **{f"{side}__in": list(inside)}
    )
    stay_of = {getattr(stay, side): stay for stay in stays}
    return [
        Arrival(
            account_id=one.account_id,
            contact_id=one.contact_id if of_contacts else None,
            at=one.at,
            stay=stay_of.get(subject),
            source=Entry.Source.EVENT,
            occasion=f"{event.name[:150]} {one.at:%Y-%m-%dT%H:%M:%SZ}",
        )
        for one in sorted(found, key=lambda one: one.at)
        if (subject := one.contact_id if of_contacts else one.account_id) in inside
    ]
