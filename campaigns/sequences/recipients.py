"""Whom an account's messages go to: its reachable contacts with one of the roles, the most active first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from campaigns.consent import points
from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic, ContactPoint
from campaigns.profiles import selectors as profiles
from campaigns.profiles.models import Contact, Membership
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.models import Campaign, Enrolment, Entry

# Where two contacts may have one address.
HASHES = {"email": "email_hash", "sms": "phone_hash"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """`contacts` by account for those who have any, `reasons` for the rest; `points` by contact."""

    contacts: dict[int, list[Contact]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    points: dict[int, ContactPoint] = field(default_factory=dict)


def choose_recipients(
    *,
    campaign: Campaign,
    spec: CampaignSpec,
    channel: str,
    account_ids: Sequence[int],
    only: Mapping[int, Sequence[int]],
) -> Chosen:
    """Up to `per_account` contacts of each account that may be written to on the first message's channel.

    `only` names the contacts themselves where the audience is of contacts; roles and numbers then say
    nothing. A person with an open enrolment in the campaign is not taken again, nor twice in one batch. Of several of
    an account with one address the first is taken: one person reads it.
    """
    members = _members(spec, account_ids, only)
    people = {member.contact_id: member.contact for rows in members.values() for member in rows}
    found = Chosen(points=points.ensure_points(contacts=list(people.values()), channel=channel))
    topic = ConsentTopic.objects.get(slug=spec.topic)
    allowed = {contact_id: consent.permission(point=point, topic=topic) for contact_id, point in found.points.items()}
    taken = _taken(campaign, list(people))
    inside = _addresses_inside(campaign, channel, list(only))
    for account_id in account_ids:
        rows = members.get(account_id, [])
        reachable = [row.contact for row in rows if allowed.get(row.contact_id) == consent.GRANTED]
        free = [contact for contact in reachable if contact.pk not in taken]
        free = _one_each(free, found.points, inside.get(account_id, frozenset()))
        picked = free if account_id in only else free[: spec.recipients.per_account]
        if picked:
            found.contacts[account_id] = picked
            taken |= {contact.pk for contact in picked}
        else:
            found.reasons[account_id] = _why_nobody(rows, allowed, bool(reachable))
    return found


def _one_each(
    contacts: Sequence[Contact], points_of: Mapping[int, ContactPoint], inside: Collection[bytes]
) -> list[Contact]:
    """The first with each address, and nobody whose address has got in already."""
    by_address: dict[bytes, Contact] = {}
    for contact in contacts:
        by_address.setdefault(bytes(points_of[contact.pk].address_hash), contact)
    return [contact for address, contact in by_address.items() if address not in inside]


def _addresses_inside(campaign: Campaign, channel: str, account_ids: Sequence[int]) -> dict[int, set[bytes]]:
    """What the contacts on the way for an account have as address, by account: others may join it."""
    found: dict[int, set[bytes]] = defaultdict(set)
    if channel in HASHES and account_ids:
        rows = Enrolment.objects.filter(campaign=campaign, account_id__any=account_ids, state=Enrolment.State.OPEN)
        for account_id, value in rows.values_list("account_id", f"contact__{HASHES[channel]}"):
            found[account_id].add(bytes(value or b""))
    return found


def _why_nobody(rows: Sequence[Membership], allowed: Mapping[int, str], has_reachable: bool) -> str:
    if has_reachable:
        return Entry.Reason.ALREADY_IN_CAMPAIGN
    answers = [allowed[row.contact_id] for row in rows if row.contact_id in allowed]
    if answers and all(answer == consent.OPTED_OUT for answer in answers):
        return Entry.Reason.OPTED_OUT
    return Entry.Reason.NO_REACHABLE_CONTACT


def _members(
    spec: CampaignSpec, account_ids: Sequence[int], only: Mapping[int, Sequence[int]]
) -> dict[int, list[Membership]]:
    found = profiles.members_of(account_ids=account_ids)
    return {
        account_id: sorted(_wanted(rows, spec, only.get(account_id)), key=_rank) for account_id, rows in found.items()
    }


def _wanted(rows: Sequence[Membership], spec: CampaignSpec, only: Sequence[int] | None) -> list[Membership]:
    if only is not None:
        return [row for row in rows if row.contact_id in only]
    roles = spec.recipients.roles
    return [row for row in rows if not roles or row.role in roles]


def _rank(row: Membership) -> tuple[float, int]:
    """Most recently active first, never active last, then the lowest id."""
    active = row.contact.last_active_at
    return (-active.timestamp() if active else float("inf"), row.contact_id)


def _taken(campaign: Campaign, contact_ids: Sequence[int]) -> set[int]:
    rows = Enrolment.objects.filter(campaign=campaign, contact_id__any=contact_ids, state=Enrolment.State.OPEN)
    return set(rows.values_list("contact_id", flat=True))
