"""The people a campaign would write to, for seeing its messages as one of them: judged as enrolling judges them, with
the facts that planning would gather. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from campaigns.consent import points
from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic
from campaigns.delivery import links, render
from campaigns.delivery.models import Message
from campaigns.offers import quote
from campaigns.profiles.models import Account, Contact
from campaigns.sequences import compose, evidence, planning_apart, rehearse
from campaigns.sequences.models import Campaign, Enrolment

# Of so many accounts, by age, people are listed one after the other; whoever is searched for is found in all.
LISTED_ACCOUNTS = 500
FEW = 20
NOWHERE = "https://example.com/"
# An account's evidence and its offer's figures.
type _Told = tuple[Mapping[str, Any], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Member:
    """A contact who would get the first message, for this account."""

    contact: Contact
    account: Account


@dataclass(frozen=True, slots=True)
class Cast:
    """`is_whole`: the audience has no further accounts than those looked at."""

    members: list[Member]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A member with the facts the texts would be filled in from; the links among them lead nowhere."""

    contact: Contact
    account: Account
    facts: Mapping[str, Any] = field(repr=False)


def list_members(*, campaign: Campaign, now: datetime, contacts: QuerySet[Contact] | None = None) -> Cast:
    """In the order of their accounts; of a launched campaign those who are or were inside, the newest first. With
    `contacts` only these. Raises DefinitionError, SegmentTooSlow."""
    if campaign.status != Campaign.Status.DRAFT:
        rows = list(_enrolments(campaign, contacts)[: LISTED_ACCOUNTS + 1])
        members = [Member(row.contact, row.account) for row in rows[:LISTED_ACCOUNTS]]
        return Cast(members, len(rows) <= LISTED_ACCOUNTS)
    ids = rehearse.matching_ids(campaign=campaign, now=now, contacts=contacts, limit=LISTED_ACCOUNTS + 1)
    spec = rehearse.spec_of(campaign=campaign)
    with rehearse.rolled_back():
        found = [
            Member(contact, judged.candidates[account_id].account)
            for judged in rehearse.judge(campaign=campaign, spec=spec, ids=ids[:LISTED_ACCOUNTS], now=now)
            for account_id, chosen in judged.chosen.items()
            for contact in chosen
        ]
    if contacts is not None:
        # Somebody else of the account may be the one who is written to.
        meant = set(contacts.filter(pk__in=[one.contact.pk for one in found]).values_list("pk", flat=True))
        found = [one for one in found if one.contact.pk in meant]
    return Cast(found, len(ids) <= LISTED_ACCOUNTS)


def find_people(*, campaign: Campaign, now: datetime, limit: int = FEW) -> list[Person]:
    """The first of the list, with their facts. Raises as `list_members`."""
    members = list_members(campaign=campaign, now=now).members[:limit]
    return gather_people(campaign=campaign, members=members, now=now)


def find_person(*, campaign: Campaign, contact_id: int, now: datetime) -> Person | None:
    """None for a contact whom the campaign would not write to. Raises as `list_members`."""
    only = Contact.objects.filter(pk=contact_id)
    members = list_members(campaign=campaign, now=now, contacts=only).members[:1]
    return next(iter(gather_people(campaign=campaign, members=members, now=now)), None)


def gather_people(*, campaign: Campaign, members: Sequence[Member], now: datetime) -> list[Person]:
    """The members with what planning would tell them now; in a launched campaign with what they were enrolled with."""
    if campaign.status != Campaign.Status.DRAFT:
        contacts = Contact.objects.filter(pk__in=[one.contact.pk for one in members])
        stored = {row.contact_id: row for row in _enrolments(campaign, contacts)}
        return [_as_enrolled(stored[one.contact.pk]) for one in members if one.contact.pk in stored]
    told: dict[int, _Told] = {}
    for part in planning_apart.read_apart(
        parts=[sorted({one.account.pk for one in members})],
        read=lambda ids: _foresee(campaign, ids, now),
        instead=lambda _ids: {},
    ):
        told |= part
    return [_person(one, *told.get(one.account.pk, ({}, None))) for one in members]


def _foresee(campaign: Campaign, account_ids: Sequence[int], now: datetime) -> dict[int, _Told]:
    told = evidence.gather_evidence(segment=campaign.edited_segment, account_ids=account_ids, now=now)
    figures: Mapping[int, Mapping[str, Any]] = {}
    if campaign.edited_offer is not None:
        figures = quote.foresee_figures(offer=campaign.edited_offer, account_ids=account_ids, now=now)
    return {pk: (told.get(pk, {}), figures.get(pk)) for pk in account_ids}


def why_unreachable(*, campaign: Campaign, contact: Contact, channel: str) -> str:
    """NO_ADDRESS, SUPPRESSED, OPTED_OUT, HELD or NO_CONSENT where messages on the channel can't go to the contact; else
    empty."""
    topic = ConsentTopic.objects.get(slug=rehearse.spec_of(campaign=campaign).topic)
    with rehearse.rolled_back():
        point = points.ensure_points(contacts=[contact], channel=channel).get(contact.pk)
    if point is None:
        return Message.Reason.NO_ADDRESS
    answer = consent.permission(point=point, topic=topic)
    if answer == consent.OPTED_OUT and point.gets_nothing:
        return Message.Reason.SUPPRESSED
    return "" if answer == consent.GRANTED else answer


def _enrolments(campaign: Campaign, contacts: QuerySet[Contact] | None) -> QuerySet[Enrolment]:
    """Who is or was inside, the newest first; somebody who came in twice as of their last time."""
    inside = Enrolment.objects.filter(campaign=campaign)
    if contacts is not None:
        inside = inside.filter(contact__in=contacts)
    newest = inside.order_by("contact", "-enrolled_at", "-pk").distinct("contact").values("pk")
    rows = Enrolment.objects.filter(pk__in=newest).select_related("contact", "account", "entry", "quote")
    return rows.order_by("-enrolled_at", "-pk")


def _as_enrolled(row: Enrolment) -> Person:
    return _person(Member(row.contact, row.account), row.entry.evidence, row.quote.figures if row.quote else None)


def _person(member: Member, told: Mapping[str, Any], figures: Mapping[str, Any] | None) -> Person:
    contact = member.contact
    facts = render.gather_facts(
        context=compose.told_of(account=member.account, evidence=told, figures=figures),
        contact={"first_name": contact.first_name, "last_name": contact.last_name, "locale": contact.locale},
        account={},
        urls=dict.fromkeys(links.links_of_nobody(has_offer=figures is not None), NOWHERE),
    )
    return Person(contact, member.account, facts)
