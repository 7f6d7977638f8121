"""A launch without launching: who would start, who would not and why, and when the first messages would go. The same
judges as enrolling, in a transaction that is rolled back: nothing is written."""

# ruff: noqa: S608  (what is formatted into statements is the segment compiler's; values are always bound)
from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import QuerySet

from campaigns.delivery import windows
from campaigns.profiles.models import Account, Contact, Membership
from campaigns.segments import compile as compiling
from campaigns.segments import sessions
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import campaign_file, candidates, circles, eligibility, planning_apart, recipients
from campaigns.sequences.campaign_file import BY_SEGMENT, CampaignSpec
from campaigns.sequences.candidates import Candidate
from campaigns.sequences.models import Campaign, Entry
from campaigns.sequences.step_file import StepSpec
from orchestrator.engine import timing

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Sending:
    """Messages of one step on one local day of their recipients; `is_first` are sure, the others at most."""

    day: date
    step: str
    channel: str
    messages: int
    is_first: bool


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Accounts: matched = Σ not_enrolled + held_out + start. How many are held out is expected, the draw comes
    with the launch. `contacts` are the people of those who start.

    `audience` is everybody in it now, contacts where the segment is `of_contacts`. Of accounts the rest beyond
    those who matched entered before, or was held out, and does not enter anew."""

    matched: int
    not_enrolled: dict[str, int]
    held_out: int
    start: int
    contacts: int
    sendings: list[Sending]
    audience: int = 0
    of_contacts: bool = False

    @property
    def before(self) -> int:
        return 0 if self.of_contacts else max(self.audience - self.matched, 0)


@dataclass(slots=True)
class Judged:
    """Accounts that matched: `chosen` would start with these contacts, `reasons` keep the others out."""

    candidates: Mapping[int, Candidate]
    reasons: Mapping[int, str]
    chosen: Mapping[int, Sequence[Contact]]


def rehearse(*, campaign: Campaign, now: datetime) -> Rehearsal:
    """Of the draft, against today's data; nobody where the launch itself brings nobody in.

    Raises CampaignFileError, DefinitionError, SegmentTooSlow."""
    spec = spec_of(campaign=campaign)
    if spec.entry.by != BY_SEGMENT:
        return Rehearsal(matched=0, not_enrolled={}, held_out=0, start=0, contacts=0, sendings=[])
    reasons: dict[int, str] = {}
    starting: set[int] = set()
    people: list[tuple[Contact, Account]] = []
    with rolled_back():
        everybody = matching_ids(campaign=campaign, now=now)
        for judged in judge(campaign=campaign, spec=spec, ids=everybody, now=now):
            reasons |= judged.reasons
            starting |= judged.chosen.keys()
            for account_id, contacts in judged.chosen.items():
                people += [(contact, judged.candidates[account_id].account) for contact in contacts]
    # Of an account with contacts in several parts one may start.
    not_enrolled = Counter(reason for account_id, reason in reasons.items() if account_id not in starting)
    share = float(spec.holdout_percent) / 100
    held_out = round(len(starting) * share)
    return Rehearsal(
        matched=len(starting | reasons.keys()),
        not_enrolled=dict(not_enrolled.most_common()),
        held_out=held_out,
        start=len(starting) - held_out,
        contacts=round(len(people) * (1 - share)),
        sendings=list(_sendings(spec, people, 1 - share, now)),
        audience=len(everybody),
        of_contacts=any(subject == "contact" for subject, _pk in everybody),
    )


@contextmanager
def rolled_back() -> Iterator[None]:
    """Whatever is written inside is gone afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def spec_of(*, campaign: Campaign) -> CampaignSpec:
    """Of the draft if there is one, else of what runs."""
    version = campaign.draft_version or campaign.live_version
    assert version is not None, "A campaign is made together with its first version."
    return campaign_file.parse(version.definition)


def matching_ids(
    *, campaign: Campaign, now: datetime, contacts: QuerySet[Contact] | None = None, limit: int | None = None
) -> list[tuple[str, int]]:
    """(subject, primary key) of those in the audience now, by key; with `contacts` only these and their accounts.

    Raises DefinitionError, SegmentTooSlow.
    """
    segment = campaign.edited_segment
    if segment is None or segment.live_version is None:
        return []
    compiled = compiling.compile_segment(segment.live_version.definition, now=now)
    among, params = "", ()
    if contacts is not None:
        wanted, params = _meant(compiled.subject, contacts).query.sql_with_params()
        among = f"WHERE matched.id IN ({wanted})"
    statement = f"SELECT matched.id FROM ({compiled.sql}) matched {among} ORDER BY matched.id LIMIT %s"
    with sessions.bounded(seconds=sessions.PREVIEW_SECONDS, read_only=True), connection.cursor() as cursor:
        cursor.execute(statement, [*compiled.params, *params, limit])
        return [(compiled.subject, row[0]) for row in cursor.fetchall()]


def _meant(subject: str, contacts: QuerySet[Contact]) -> QuerySet:
    if subject == "contact":
        return contacts.order_by().values("pk")
    return Membership.objects.filter(contact__in=contacts).values("account")


def _batches(ids: Sequence[tuple[str, int]]) -> Iterator[Sequence[tuple[str, int]]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def judge(*, campaign: Campaign, spec: CampaignSpec, ids: Sequence[tuple[str, int]], now: datetime) -> Iterator[Judged]:
    """As enrolling does it, up to the draw, part by part."""
    return planning_apart.read_apart(
        parts=_batches(ids),
        read=lambda part: _judge(campaign, spec, _candidates(campaign, spec, part, now), now),
        instead=lambda part: _at_fault(_candidates(campaign, spec, part, now)),
    )


def _candidates(
    campaign: Campaign, spec: CampaignSpec, ids: Sequence[tuple[str, int]], now: datetime
) -> dict[int, Candidate]:
    stays = [
        SegmentMembership(segment=campaign.edited_segment, entered_at=now, **{f"{side}_id": pk}) for side, pk in ids
    ]
    arrivals = candidates.arrivals_of(stays=stays, now=now)
    return candidates.find_candidates(campaign=campaign, entry=spec.entry, arrivals=arrivals)


def _at_fault(found: Mapping[int, Candidate]) -> Judged:
    return Judged(found, dict.fromkeys(found, Entry.Reason.FAULT), {})


def _judge(campaign: Campaign, spec: CampaignSpec, found: Mapping[int, Candidate], now: datetime) -> Judged:
    judged = eligibility.judge_accounts(offer=campaign.edited_offer, account_ids=list(found), now=now)
    chosen = recipients.choose_recipients(
        campaign=campaign,
        spec=spec,
        channel=spec.message_steps()[0].channel,
        account_ids=[account_id for account_id in found if account_id not in judged.reasons],
        only={one.account.pk: one.contact_ids for one in found.values() if one.contact_ids},
    )
    return Judged(found, judged.reasons | chosen.reasons, chosen.contacts)


def _sendings(
    spec: CampaignSpec, people: Sequence[tuple[Contact, Account]], share: float, now: datetime
) -> Iterator[Sending]:
    """By day and step. Later steps: everybody who might come there, so at most so many."""
    places = Counter(
        (
            windows.place_for(contact=contact, account=account),
            windows.zone_of(contact_zone=contact.time_zone, account_zone=account.time_zone),
        )
        for contact, account in people
    )
    reached = {zone: _earliest(spec, zone, now) for _, zone in places}
    first = spec.message_steps()[0].key
    for step in spec.message_steps():
        days: Counter[date] = Counter()
        for (place, zone), number in places.items():
            if step.key not in reached[zone]:
                continue
            opens = windows.next_sendable(
                at=reached[zone][step.key],
                start=spec.limits.window_from,
                end=spec.limits.window_to,
                place=place,
                channel=step.channel,
                purpose=spec.purpose,
            )
            days[opens.astimezone(ZoneInfo(place.zones[0])).date()] += number
        for day, number in sorted(days.items()):
            yield Sending(day, step.key, step.channel, round(number * share), step.key == first)


def _earliest(spec: CampaignSpec, zone: str, now: datetime) -> dict[str, datetime]:
    """When somebody of this zone who enters now can reach each step at the earliest, whatever way leads there."""
    following = {one.key: after.key for one, after in itertools.pairwise(spec.steps)}
    by_key = {step.key: step for step in spec.steps}
    found: dict[str, datetime] = {}
    waiting = [(spec.steps[0].key, now)]
    while waiting:
        key, at = waiting.pop()
        if key in found and found[key] <= at:
            continue
        found[key] = at
        waiting += _onward(by_key[key], following, zone, at)
    return found


def _onward(step: StepSpec, following: Mapping[str, str], zone: str, at: datetime) -> Iterator[tuple[str, datetime]]:
    """A WAIT for a condition may be over at once; its other way is open after the time-out."""
    for target in circles.targets_of(step, following, at_once=step.is_asking):
        if target:
            yield target, at if step.is_asking else _over(step, zone, at)
    late = step.otherwise or following.get(step.key)
    if step.is_asking and late:
        yield late, _over(step, zone, at)


def _over(step: StepSpec, zone: str, at: datetime) -> datetime:
    if step.until is not None:
        return timing.next_local(at=at, clock=step.until.clock, weekday=step.until.weekday, zone=zone)
    return at + (step.wait or timedelta(0))
