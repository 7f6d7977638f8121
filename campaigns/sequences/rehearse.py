"""A launch without launching: who would start, who would not and why, when the first messages would go, and to
whom a wording can be shown. The same judges as enrolling, in a transaction that is rolled back: nothing is written."""

# ruff: noqa: S608  (what is formatted into statements is the segment compiler's; values are always bound)
from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from campaigns.delivery import windows
from campaigns.offers.quote import Pricing
from campaigns.profiles.models import Account, Contact
from campaigns.segments import compile as compiling
from campaigns.segments import sessions
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import audience, campaign_file, candidates, eligibility, recipients
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.candidates import Candidate
from campaigns.sequences.models import Campaign, Enrolment
from campaigns.sequences.step_file import StepSpec
from campaigns.usage import selectors as usage

BATCH = 1000
# A preview needs a handful of people; of so many accounts some have a reachable contact.
TRIED_FOR_PEOPLE = 200


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
    with the launch. `contacts` are the people of those who start."""

    matched: int
    not_enrolled: dict[str, int]
    held_out: int
    start: int
    contacts: int
    sendings: list[Sending]


@dataclass(frozen=True, slots=True)
class Person:
    """A contact who would get the first message, with the facts its texts would be filled in from."""

    contact: Contact
    account: Account
    facts: Mapping[str, Any] = field(repr=False)


@dataclass(slots=True)
class _Judged:
    candidates: dict[int, Candidate]
    reasons: dict[int, str]
    chosen: dict[int, list[Contact]]
    prices: Mapping[int, Pricing]


def rehearse(*, campaign: Campaign, now: datetime) -> Rehearsal:
    """Of the draft, against today's data. Raises CampaignFileError, DefinitionError, SegmentTooSlow."""
    spec = _spec_of(campaign)
    matched, reasons = 0, Counter[str]()
    people: list[tuple[Contact, Account]] = []
    with _rolled_back():
        for ids in _batches(_matching_ids(campaign, now)):
            judged = _judge(campaign, spec, ids, now)
            matched += len(judged.candidates)
            reasons.update(judged.reasons.values())
            for account_id, contacts in judged.chosen.items():
                people += [(contact, judged.candidates[account_id].account) for contact in contacts]
    remaining = matched - sum(reasons.values())
    share = float(spec.holdout_percent) / 100
    held_out = round(remaining * share)
    return Rehearsal(
        matched=matched,
        not_enrolled=dict(reasons.most_common()),
        held_out=held_out,
        start=remaining - held_out,
        contacts=round(len(people) * (1 - share)),
        sendings=list(_sendings(spec, people, 1 - share, now)),
    )


def find_people(*, campaign: Campaign, now: datetime, limit: int = 20) -> list[Person]:
    """Some who would be written to, in the order of their accounts; of a launched campaign the newest who are or
    were inside, with the facts they were enrolled with. Empty when there is nobody."""
    if campaign.status != Campaign.Status.DRAFT:
        return _enrolled_people(campaign, limit)
    spec = _spec_of(campaign)
    with _rolled_back():
        judged = _judge(campaign, spec, _matching_ids(campaign, now, limit=TRIED_FOR_PEOPLE), now)
    pairs = [
        (contact, judged.candidates[account_id].account)
        for account_id, contacts in judged.chosen.items()
        for contact in contacts
    ][:limit]
    accounts = [account.pk for _, account in pairs]
    evidence = usage.newest_evidence(account_ids=accounts, meter=audience.meter_of(segment=campaign.segment))
    prices = judged.prices
    return [
        Person(
            contact,
            account,
            _facts(
                contact,
                account,
                evidence.get(account.pk, {}),
                prices[account.pk].figures if account.pk in prices else None,
            ),
        )
        for contact, account in pairs
    ]


def _enrolled_people(campaign: Campaign, limit: int) -> list[Person]:
    """Who is or was inside, the newest first; somebody who came in twice as of their last time."""
    newest = (
        Enrolment.objects.filter(campaign=campaign)
        .order_by("contact", "-enrolled_at", "-pk")
        .distinct("contact")
        .values("pk")
    )
    rows = Enrolment.objects.filter(pk__in=newest).select_related("contact", "account", "entry", "quote")
    return [
        Person(
            row.contact,
            row.account,
            _facts(row.contact, row.account, row.entry.evidence, row.quote.figures if row.quote else None),
        )
        for row in rows.order_by("-enrolled_at", "-pk")[:limit]
    ]


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _spec_of(campaign: Campaign) -> CampaignSpec:
    version = campaign.draft_version or campaign.live_version
    assert version is not None, "A campaign is made together with its first version."
    return campaign_file.parse(version.definition)


def _matching_ids(campaign: Campaign, now: datetime, limit: int | None = None) -> list[tuple[str, int]]:
    """(subject, primary key) of those in the audience now, by key."""
    segment = campaign.segment
    if segment is None or segment.live_version is None:
        return []
    compiled = compiling.compile_segment(segment.live_version.definition, now=now)
    statement = f"SELECT matched.id FROM ({compiled.sql}) matched ORDER BY matched.id LIMIT %s"
    with sessions.bounded(seconds=sessions.PREVIEW_SECONDS, read_only=True), connection.cursor() as cursor:
        cursor.execute(statement, [*compiled.params, limit])
        return [(compiled.subject, row[0]) for row in cursor.fetchall()]


def _batches(ids: Sequence[tuple[str, int]]) -> Iterator[Sequence[tuple[str, int]]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _judge(campaign: Campaign, spec: CampaignSpec, ids: Sequence[tuple[str, int]], now: datetime) -> _Judged:
    """As enrolling does it, up to the draw."""
    stays = [SegmentMembership(segment=campaign.segment, entered_at=now, **{f"{side}_id": pk}) for side, pk in ids]
    found = candidates.find_candidates(campaign=campaign, entry=spec.entry, stays=stays, now=now)
    judged = eligibility.judge_accounts(campaign=campaign, account_ids=list(found), now=now)
    chosen = recipients.choose_recipients(
        campaign=campaign,
        spec=spec,
        channel=spec.message_steps()[0].channel,
        account_ids=[account_id for account_id in found if account_id not in judged.reasons],
        only={one.account.pk: one.contact_ids for one in found.values() if one.contact_ids},
    )
    return _Judged(found, judged.reasons | chosen.reasons, chosen.contacts, judged.prices)


def _facts(
    contact: Contact, account: Account, evidence: Mapping[str, Any], figures: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What a message of this person would be rendered from; its links lead nowhere. Without an offer no figures."""
    names = ["unsubscribe", "preferences", "view", *([] if figures is None else ["offer"])]
    return {
        "contact": {"first_name": contact.first_name, "last_name": contact.last_name, "locale": contact.locale},
        "account": {"name": account.name or account.external_id, "external_id": account.external_id},
        "evidence": dict(evidence),
        "offer": dict(figures or {}),
        "links": dict.fromkeys(names, "https://example.com/"),
    }


def _sendings(
    spec: CampaignSpec, people: Sequence[tuple[Contact, Account]], share: float, now: datetime
) -> Iterator[Sending]:
    """By day and step. Later steps: everybody who might come there, so at most so many."""
    offsets = _earliest(spec)
    zones = Counter(
        windows.zone_of(contact_zone=contact.time_zone, account_zone=account.time_zone) for contact, account in people
    )
    first = spec.message_steps()[0].key
    for step in spec.message_steps():
        if step.key not in offsets:
            continue
        days: Counter[date] = Counter()
        for zone, number in zones.items():
            opens = windows.next_open(
                at=now + offsets[step.key], start=spec.limits.window_from, end=spec.limits.window_to, zone=zone
            )
            days[opens.astimezone(ZoneInfo(zone)).date()] += number
        for day, number in sorted(days.items()):
            yield Sending(day, step.key, step.channel, round(number * share), step.key == first)


def _earliest(spec: CampaignSpec) -> dict[str, timedelta]:
    """How long after entering each step can be reached at the earliest, by whatever way the branches lead."""
    following = {one.key: after.key for one, after in itertools.pairwise(spec.steps)}
    by_key = {step.key: step for step in spec.steps}
    found: dict[str, timedelta] = {}
    waiting = [(spec.steps[0].key, timedelta(0))]
    while waiting:
        key, offset = waiting.pop()
        if key in found and found[key] <= offset:
            continue
        found[key] = offset
        step = by_key[key]
        waiting += [(target, offset + (step.wait or timedelta(0))) for target in _targets(step, following) if target]
    return found


def _targets(step: StepSpec, following: Mapping[str, str]) -> set[str | None]:
    after = following.get(step.key)
    if step.kind == "BRANCH":
        return {step.then or after, step.otherwise or after}
    return set() if step.kind == "EXIT" else {after}
