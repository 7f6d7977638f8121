"""Take the newly entered into their campaigns: judge, choose, draw, write; thousands at a time.

Everything that can keep an account out is judged before the draw, so that the arms and the holdout are
drawn from the same accounts. A campaign's audience is read in shares (`shares`), each by one reader at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from campaigns.delivery import windows
from campaigns.experiments import assign
from campaigns.experiments.models import Assignment
from campaigns.offers import quote as quoting
from campaigns.offers.models import Quote
from campaigns.operations import bulk_rows, collector, pulling
from campaigns.profiles.models import Contact
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import (
    campaign_file,
    candidates,
    compose,
    eligibility,
    enrol_apart,
    evidence,
    planning_apart,
    recipients,
    shares,
)
from campaigns.sequences import flow as flows
from campaigns.sequences.campaign_file import BY_SEGMENT, EntrySpec
from campaigns.sequences.candidates import Arrival, Candidate
from campaigns.sequences.counts import Counts
from campaigns.sequences.flow import Flow
from campaigns.sequences.models import Campaign, CampaignVersion, Enrolment, Entry
from campaigns.usage import record
from orchestrator.engine import planner

BATCH = 5000


def enrol_due(*, now: datetime) -> Counts:
    """Pull what entered the audiences of live campaigns since the last time."""
    total = Counts()
    for _read, counts in pull_batches(now=now):
        total.add(counts)
    return total


def pull_batches(*, now: datetime) -> Iterator[tuple[int, Counts]]:
    """The same batch by batch, each in a transaction of its own, as (stays read, what became of them). A share that
    another worker is at is left to it. A campaign that fails keeps no other from its people: an ExceptionGroup at the
    end says so."""
    failed: list[Exception] = []
    for campaign in live_campaigns():
        with planning_apart.one_of_many(what=f"Taking people into {campaign.slug}", failed=failed):
            yield from _pull_campaign(campaign, now)
    planning_apart.raise_together(failed)


def _pull_campaign(campaign: Campaign, now: datetime) -> Iterator[tuple[int, Counts]]:
    if campaign.live_version is not None and campaign.live_version.audience_read_at is None:
        # Whoever launched it did not come to the end of this.
        yield 0, enrol_audience(campaign=campaign, now=now)
    mine = list(shares.SHARES) if way_in(campaign) == BY_SEGMENT else []
    while mine:
        for share in tuple(mine):
            pulled = _despite_all(campaign, partial(_pull_batch, campaign.pk, share, now))
            if pulled is None or pulled[0] < BATCH:
                mine.remove(share)
            if pulled is not None:
                yield pulled


def _despite_all[Result](campaign: Campaign, batch: enrol_apart.Batch[Result]) -> Result:
    """Whom another batch meets, and who cannot be taken in, keep no others out."""
    return enrol_apart.despite_faults(
        lambda *, apart: shares.despite_each_other(partial(batch, apart=apart)), slug=campaign.slug
    )


def enrol_audience(*, campaign: Campaign, now: datetime) -> Counts:
    """Everybody in the audience now, whoever wrote the rows a moment ago. The pull finds them taken later. Nobody
    where it is not the audience that brings people in. What another worker took in meanwhile is not counted. Where too
    many fail for the time there is, the others are left to the job."""
    total = Counts()
    live = _live(campaign.pk)
    if live is None:
        return total
    last = dict.fromkeys(shares.SHARES, 0)
    waits = False
    while last:
        has_moved = False
        for share, after in tuple(last.items()):
            taken = _despite_all(live, partial(_take_batch, campaign.pk, share, after, waits, now))
            if taken is None:
                continue
            has_moved = True
            total.add(taken.counts)
            if not taken.is_whole:
                return total
            if taken.newest is None:
                del last[share]
            else:
                last[share] = taken.newest
        # Where others have all that is left, it is waited for, so that nobody is left when this returns.
        waits = not has_moved
    _note_read(live, now)
    return total


def _note_read(campaign: Campaign, now: datetime) -> None:
    assert campaign.live_version_id is not None, "Only a launched campaign enrols."
    CampaignVersion.objects.filter(pk=campaign.live_version_id, audience_read_at=None).update(audience_read_at=now)


def _enrol_stays(
    campaign: Campaign, stays: Sequence[SegmentMembership], apart: bool, now: datetime
) -> tuple[Counts, bool]:
    """Stays seen before change nothing. Beside the counts, whether all were come to."""
    arrivals = candidates.arrivals_of(stays=stays, now=now)
    return enrol_apart.take_in(
        campaign=campaign,
        arrivals=candidates.not_seen(campaign=campaign, arrivals=arrivals) if apart else arrivals,
        act=lambda part: enrol_arrivals(campaign=campaign, arrivals=part, now=now),
        apart=apart,
        now=now,
    )


def enrol_arrivals(
    *, campaign: Campaign, arrivals: Sequence[Arrival], now: datetime, is_second_look: bool = False
) -> Counts:
    """One batch, in the caller's transaction, under the campaign's lock. At a second look whoever is still kept out
    has had that written down before: nothing is, but where it was a fault of ours and is none any more."""
    assert campaign.live_version_id is not None, "Only a launched campaign enrols."
    flow = flows.read_flow(version_id=campaign.live_version_id)
    people = candidates.find_candidates(
        campaign=campaign, entry=flow.spec.entry, arrivals=arrivals, is_second_look=is_second_look
    )
    if not people:
        return Counts()
    ids = list(people)
    judged = eligibility.judge_accounts(offer=campaign.offer, account_ids=ids, now=now)
    first = flows.first_message(flow=flow, now=now)
    chosen = recipients.choose_recipients(
        campaign=campaign,
        spec=flow.spec,
        channel=flow.channel(first.step_key),
        account_ids=[account_id for account_id in ids if account_id not in judged.reasons],
        only={one.account.pk: one.contact_ids for one in people.values() if one.contact_ids},
    )
    reasons = judged.reasons | chosen.reasons
    if is_second_look:
        people = {pk: one for pk, one in people.items() if pk not in reasons or one.faults}
    ready = [one for one in people.values() if one.account.pk not in reasons]
    draws = _draw(campaign, ready, now)
    entries = _write_entries(campaign, people, judged, reasons, draws, now)
    _write_enrolments(campaign, flow, entries, draws, chosen, judged.prices, now)
    return _count(entries, people)


def _pull_batch(campaign_id: int, share: int, now: datetime, *, apart: bool) -> tuple[int, Counts] | None:
    """None while somebody else has the share. What was not come to is read again the next time, without those that
    were."""
    with collector.paused(), transaction.atomic():
        cursor = shares.take_share(slug=_slug(campaign_id), share=share)
        if cursor is None:
            return None
        campaign = _live(campaign_id)
        if campaign is None or way_in(campaign) != BY_SEGMENT:
            return 0, Counts()
        rows = shares.stays_of(segment=campaign.segment, share=share)
        stays = pulling.rows_after(rows=rows, cursor=cursor, limit=BATCH)
        counts, is_whole = _enrol_stays(campaign, [stay for stay in stays if stay.left_at is None], apart, now)
        if is_whole:
            pulling.advance_cursor(cursor=cursor, rows=stays)
    return len(stays) if is_whole else 0, counts


@dataclass(frozen=True, slots=True)
class _Taken:
    """`newest`: the last stay looked at, None behind the last one; `is_whole`: all up to there were come to."""

    newest: int | None
    counts: Counts = field(default_factory=Counts)
    is_whole: bool = True


def _take_batch(campaign_id: int, share: int, after: int, waits: bool, now: datetime, *, apart: bool) -> _Taken | None:
    """None while somebody else has the share and nobody `waits`."""
    with collector.paused(), transaction.atomic():
        take = shares.lock_share if waits else shares.take_share
        if take(slug=_slug(campaign_id), share=share) is None:
            return None
        campaign = _live(campaign_id)
        if campaign is None or way_in(campaign) != BY_SEGMENT:
            return _Taken(None)
        waiting = shares.stays_of(segment=campaign.segment, share=share).filter(left_at__isnull=True, pk__gt=after)
        stays = list(waiting.order_by("pk")[:BATCH])
        counts, is_whole = _enrol_stays(campaign, stays, apart, now)
    return _Taken(stays[-1].pk if len(stays) == BATCH else None, counts, is_whole)


def lock(campaign_id: int) -> Campaign | None:
    """The campaign with nobody else enrolling into it; None unless it is live by then."""
    shares.lock_all(slug=_slug(campaign_id))
    return _live(campaign_id)


def _slug(campaign_id: int) -> str:
    return Campaign.objects.values_list("slug", flat=True).get(pk=campaign_id)


def _live(campaign_id: int) -> Campaign | None:
    return live_campaigns().filter(pk=campaign_id).first()


def live_campaigns() -> QuerySet[Campaign]:
    rows = Campaign.objects.filter(status=Campaign.Status.LIVE)
    return rows.select_related("gate", "experiment", "offer", "segment__live_version", "live_version")


def entry_rule(campaign: Campaign) -> EntrySpec:
    assert campaign.live_version is not None, "Only a launched campaign enrols."
    return campaign_file.read_entry(campaign.live_version.definition)


def way_in(campaign: Campaign) -> str:
    """What brings people into the version that runs: BY_SEGMENT, BY_EVENT, BY_HAND."""
    return entry_rule(campaign).by


def _draw(campaign: Campaign, ready: Sequence[Candidate], now: datetime) -> dict[int, Assignment]:
    assert campaign.experiment is not None, "A launched campaign has an experiment."
    accounts = [(one.account.pk, one.account.external_id) for one in ready]
    return assign.draw(experiment=campaign.experiment, accounts=accounts, now=now)


def _write_entries(
    campaign: Campaign,
    people: Mapping[int, Candidate],
    judged: eligibility.Judged,
    reasons: Mapping[int, str],
    draws: Mapping[int, Assignment],
    now: datetime,
) -> dict[int, Entry]:
    """{account id: its entry}. A contact that joins an account already in the campaign makes no second one."""
    figures = evidence.gather_evidence(
        segment=campaign.segment, account_ids=list(draws), now=now, subscriptions=judged.subscriptions
    )
    entries = {account_id: one.joins for account_id, one in people.items() if one.joins and account_id in draws}
    new = [
        bulk_rows.new_row(
            Entry,
            campaign=campaign,
            account=one.account,
            number=number,
            stay=arrival.stay,
            source=arrival.source,
            occasion=arrival.occasion,
            outcome=_outcome(account_id, reasons, draws),
            reason=reasons.get(account_id, ""),
            assignment=draws.get(account_id),
            evidence=figures.get(account_id, {}),
            at=now,
        )
        for account_id, one in people.items()
        for number, arrival in enumerate(one.written(is_kept_out=account_id in reasons), start=one.number)
    ]
    return entries | {entry.account_id: entry for entry in bulk_rows.insert_rows(rows=new)}


def _outcome(account_id: int, reasons: Mapping[int, str], draws: Mapping[int, Assignment]) -> str:
    if account_id in reasons:
        return Entry.Outcome.NOT_ENROLLED
    return Entry.Outcome.HOLDOUT if draws[account_id].variant is None else Entry.Outcome.ENROLLED


def _write_enrolments(
    campaign: Campaign,
    flow: Flow,
    entries: Mapping[int, Entry],
    draws: Mapping[int, Assignment],
    chosen: recipients.Chosen,
    prices: Mapping[int, quoting.Pricing],
    now: datetime,
) -> None:
    """Enrolments, each with its first message: nobody enrolled is ever without a row."""
    taken_in = {pk: entry for pk, entry in entries.items() if entry.outcome == Entry.Outcome.ENROLLED}
    quotes: dict[int, Quote] = {}
    if campaign.offer is not None:
        wanted = {pk: price for pk, price in prices.items() if pk in taken_in}
        quotes = quoting.store_quotes(offer=campaign.offer, priced=wanted, now=now)
    people = [(entry, contact) for pk, entry in taken_in.items() for contact in chosen.contacts[pk]]
    firsts = _first_messages(flow, people, now)
    enrolments = bulk_rows.insert_rows(
        rows=[
            _enrolment(flow, entry, draws[entry.account_id], contact, quotes.get(entry.account_id), first, now)
            for (entry, contact), first in zip(people, firsts, strict=True)
        ]
    )
    due = [
        compose.Due(
            one,
            flow,
            first.step_key,
            first.visit,
            first.due_at,
            chosen.points[one.contact_id],
            quotes.get(one.account_id),
        )
        for one, first in zip(enrolments, firsts, strict=True)
    ]
    compose.plan_step(due=due, now=now)
    _announce(enrolments, now)


def _first_messages(flow: Flow, people: Sequence[tuple[Entry, Contact]], now: datetime) -> list[planner.Send]:
    """One each: a wait until a local time ends when it is that time where the contact is."""
    zones = [
        windows.zone_of(contact_zone=contact.time_zone, account_zone=entry.account.time_zone)
        for entry, contact in people
    ]
    by_zone = {zone: flows.first_message(flow=flow, now=now, zone=zone) for zone in set(zones)}
    return [by_zone[zone] for zone in zones]


def _announce(enrolments: Sequence[Enrolment], now: datetime) -> None:
    """Segments stand below campaigns: they see who was enrolled as a usage event."""
    record.record_events(
        events=[
            record.NewEvent(
                at=now,
                account_id=one.account_id,
                contact_id=one.contact_id,
                name="crescendo.enrolled",
                properties={"campaign": one.campaign.slug},
                source="crescendo",
                message_id=f"enrolled:{one.pk}",
                received_at=now,
            )
            for one in enrolments
        ]
    )


def _enrolment(
    flow: Flow,
    entry: Entry,
    drawn: Assignment,
    contact: Contact,
    quote: Quote | None,
    first: planner.Send,
    now: datetime,
) -> Enrolment:
    assert drawn.variant is not None, "The held out are not enrolled."
    position = flows.after_message(flow=flow, send=first, now=first.due_at)
    return bulk_rows.new_row(
        Enrolment,
        campaign=entry.campaign,
        version=flow.version,
        entry=entry,
        account=entry.account,
        contact=contact,
        entry_number=entry.number,
        arm=drawn.variant.key,
        quote=quote,
        step_key=position.step_key or "",
        visit=position.visit,
        step_entered_at=position.entered_at,
        due_at=None,
        enrolled_at=now,
    )


def _count(entries: Mapping[int, Entry], people: Mapping[int, Candidate]) -> Counts:
    counts = Counts()
    for account_id, entry in entries.items():
        if people[account_id].joins is not None:
            continue
        if entry.outcome == Entry.Outcome.ENROLLED:
            counts.enrolled += 1
        elif entry.outcome == Entry.Outcome.HOLDOUT:
            counts.holdout += 1
        else:
            counts.not_enrolled[entry.reason] += 1
    return counts
