"""A launch without launching: who would start, who would not and why, when their messages would go and which would not
(`foresee`). The same judges as enrolling, in a transaction that is rolled back: nothing is written."""

# ruff: noqa: S608  (what is formatted into statements is the segment compiler's; values are always bound)
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Count, QuerySet

from campaigns.consent import points
from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic
from campaigns.delivery import windows
from campaigns.experiments import selectors as experiments
from campaigns.experiments.models import Assignment
from campaigns.profiles.models import Account, Contact, Membership
from campaigns.segments import compile as compiling
from campaigns.segments import sessions
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import campaign_file, candidates, eligibility, foresee, planning_apart, recipients
from campaigns.sequences.campaign_file import BY_SEGMENT, CampaignSpec
from campaigns.sequences.candidates import Candidate
from campaigns.sequences.foresee import Fate, Foresight, Number, Outcome, Reader
from campaigns.sequences.models import Campaign, Entry

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Sending:
    """Messages of one step on one local day of their recipients; `is_first` are sure, the others at most: whoever
    leaves gets none. `is_open`: they hinge on what people do, too; `is_drawn`: a split decides, the number is to be
    expected."""

    day: date
    step: str
    channel: str
    messages: int
    is_first: bool
    is_open: bool = False
    is_drawn: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Messages of one step that come due and do not go: LATE, since what lets them go first comes after the time in
    which they must; CAPPED, since this campaign's own messages leave no room under a limit in that time. `day` is the
    first on which one could go. Of first messages sure, else at most."""

    step: str
    channel: str
    why: Outcome
    messages: int
    day: date
    is_first: bool


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Accounts: matched = Σ not_enrolled + held_out + start. How many are held out is expected, the draw comes
    with the launch. `contacts` are the people of those who start. `held_elsewhere`, by campaign: how many of them the
    running test of another holds out. `is_cut`: its ways part, or lead back, so often that later messages are
    counted in part. `most`: by day and channel, how many later messages there can be of all steps together.

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
    left_out: list[LeftOut] = field(default_factory=list)
    held_elsewhere: dict[str, int] = field(default_factory=dict)
    is_cut: bool = False
    most: dict[tuple[date, str], int] = field(default_factory=dict)

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
    starting: dict[int, list[Reader]] = defaultdict(list)
    known: dict[Reader, Reader] = {}
    with rolled_back():
        everybody = matching_ids(campaign=campaign, now=now)
        for judged in judge(campaign=campaign, spec=spec, ids=everybody, now=now):
            reasons |= judged.reasons
            for account_id, readers in _readers(spec, judged):
                # Of those who are alike one is kept.
                starting[account_id] += [known.setdefault(one, one) for one in readers]
    # Of an account with contacts in several parts one may start.
    not_enrolled = Counter(reason for account_id, reason in reasons.items() if account_id not in starting)
    share = float(spec.holdout_percent) / 100
    held_out = round(len(starting) * share)
    ahead = Foresight(spec, now)
    sendings, left_out, most = _foresee(ahead, Counter(tuple(team) for team in starting.values()), 1 - share)
    return Rehearsal(
        matched=len(starting.keys() | reasons.keys()),
        not_enrolled=dict(not_enrolled.most_common()),
        held_out=held_out,
        start=len(starting) - held_out,
        contacts=round(sum(len(team) for team in starting.values()) * (1 - share)),
        sendings=sendings,
        audience=len(everybody),
        of_contacts=any(subject == "contact" for subject, _pk in everybody),
        left_out=left_out,
        is_cut=ahead.is_cut,
        most=most,
        held_elsewhere={
            name: n for name, held in _held_elsewhere(campaign, list(starting)) if (n := round(held * (1 - share)))
        },
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


def _readers(spec: CampaignSpec, judged: Judged) -> Iterator[tuple[int, list[Reader]]]:
    """By account that would start. On a channel that needs no address everybody counts as reached."""
    first = spec.message_steps()[0].channel
    channels = {step.channel for step in spec.message_steps()}
    people = [contact for contacts in judged.chosen.values() for contact in contacts]
    reached = {contact.pk: channels - recipients.HASHES.keys() | {first} for contact in people}
    topic = ConsentTopic.objects.get(slug=spec.topic)
    for channel in channels & recipients.HASHES.keys() - {first}:
        for contact_id, point in points.ensure_points(contacts=people, channel=channel).items():
            if consent.permission(point=point, topic=topic) == consent.GRANTED:
                reached[contact_id].add(channel)
    for account_id, contacts in judged.chosen.items():
        account = judged.candidates[account_id].account
        yield account_id, [_reader(contact, account, reached[contact.pk]) for contact in contacts]


def _reader(contact: Contact, account: Account, reached: Iterable[str]) -> Reader:
    return Reader(
        place=windows.place_for(contact=contact, account=account),
        zone=windows.zone_of(contact_zone=contact.time_zone, account_zone=account.time_zone),
        account_zone=windows.zone_of(contact_zone=account.time_zone, account_zone=contact.time_zone),
        reached=frozenset(reached),
    )


def _held_elsewhere(campaign: Campaign, account_ids: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Names of campaigns that run, and how many of the accounts their running tests hold out."""
    if not account_ids:
        return
    held = Assignment.objects.filter(
        variant__isnull=True,
        experiment__in=experiments.running(),
        experiment__campaign__status__in=[Campaign.Status.LIVE, Campaign.Status.PAUSED],
        account_id__any=account_ids,
    ).exclude(experiment__campaign=campaign)
    counted = held.values("experiment__campaign__name").annotate(accounts=Count("account"))
    for row in counted.order_by("experiment__campaign__name"):
        yield row["experiment__campaign__name"], row["accounts"]


def _foresee(
    ahead: Foresight, teams: Mapping[tuple[Reader, ...], int], share: float
) -> tuple[list[Sending], list[LeftOut], dict[tuple[date, str], int]]:
    """By step in the order of the file, and by day; last by day and channel."""
    steps = ahead.spec.message_steps()
    found: dict[Fate, Number] = {}
    for team, accounts in teams.items():
        foresee.add(found, [(ahead.of_account(team), accounts * share)])
    most = {(fate.day, fate.channel): round(found.pop(fate).of) for fate in list(found) if fate.channel}
    channels = {step.key: step.channel for step in steps}
    places = {key: place for place, key in enumerate(channels)}
    sendings: list[Sending] = []
    missing: dict[tuple[str, Outcome, bool], list[tuple[date, float]]] = defaultdict(list)
    for fate, number in sorted(found.items(), key=lambda one: (places[one[0].step], one[0].day, not one[0].is_first)):
        if fate.outcome == Outcome.SENT:
            told = (fate.day, fate.step, channels[fate.step], round(number.of))
            sendings.append(Sending(*told, fate.is_first, number.is_open, number.is_drawn))
        else:
            missing[fate.step, fate.outcome, fate.is_first].append((fate.day, number.of))
    left_out = [
        LeftOut(key, channels[key], why, round(sum(of for _, of in there)), min(day for day, _ in there), is_first)
        for (key, why, is_first), there in missing.items()
    ]
    return [one for one in sendings if one.messages], [one for one in left_out if one.messages], most
