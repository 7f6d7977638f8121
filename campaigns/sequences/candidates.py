"""Who of those that entered the audience comes into question: seen stays, re-entry and joins sorted out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.profiles.models import Account, Membership
from campaigns.segments.models import SegmentMembership
from campaigns.sequences.campaign_file import ALWAYS, NEVER, EntrySpec
from campaigns.sequences.models import Campaign, Enrolment, Entry


@dataclass(slots=True)
class Candidate:
    """One account. `contact_ids` is filled where the audience is of contacts: only they are meant.

    `joins`: the account is enrolled already and another of its contacts came in; it gets no second entry.
    """

    account: Account
    stay: SegmentMembership
    number: int
    contact_ids: list[int]
    joins: Entry | None = None


def find_candidates(
    *, campaign: Campaign, entry: EntrySpec, stays: Sequence[SegmentMembership], now: datetime
) -> dict[int, Candidate]:
    """By account id, in order of entering. Who may not enter again keeps the entry that stands."""
    fresh = _not_seen(campaign, stays)
    home = _home_accounts([stay.contact_id for stay in fresh if stay.contact_id])
    wanted = {stay.account_id or home.get(stay.contact_id or 0) for stay in fresh}
    accounts = Account.objects.current().in_bulk([pk for pk in wanted if pk])
    last = _last_entries(campaign, list(accounts))
    inside = _enrolled_contacts(campaign, [stay.contact_id for stay in fresh if stay.contact_id])
    found: dict[int, Candidate] = {}
    for stay in fresh:
        account = accounts.get(stay.account_id or home.get(stay.contact_id or 0) or 0)
        if account is None or stay.contact_id in inside:
            continue
        candidate = _candidate(account, stay, last.get(account.pk), entry, now)
        if candidate is None:
            continue
        if account.pk in found:
            found[account.pk].contact_ids += candidate.contact_ids
        else:
            found[account.pk] = candidate
    return found


def _candidate(
    account: Account, stay: SegmentMembership, last: Entry | None, entry: EntrySpec, now: datetime
) -> Candidate | None:
    people = [stay.contact_id] if stay.contact_id else []
    if last is None:
        return Candidate(account, stay, 1, people)
    if last.outcome == Entry.Outcome.NOT_ENROLLED or _may_enter_again(last, entry, now):
        return Candidate(account, stay, last.number + 1, people)
    if people and last.outcome == Entry.Outcome.ENROLLED and not _was_enrolled(last, stay.contact_id):
        return Candidate(account, stay, last.number, people, joins=last)
    return None


def _may_enter_again(last: Entry, entry: EntrySpec, now: datetime) -> bool:
    if entry.reentry == NEVER or any(one.state == Enrolment.State.OPEN for one in last.enrolments.all()):
        return False
    return entry.reentry == ALWAYS or last.at + timedelta(days=entry.cooldown_days) <= now


def _was_enrolled(entry: Entry, contact_id: int | None) -> bool:
    return any(one.contact_id == contact_id for one in entry.enrolments.all())


def _not_seen(campaign: Campaign, stays: Sequence[SegmentMembership]) -> list[SegmentMembership]:
    ids = [stay.pk for stay in stays]
    seen = set(Entry.objects.filter(campaign=campaign, stay_id__in=ids).values_list("stay_id", flat=True))
    return [stay for stay in stays if stay.pk not in seen]


def _home_accounts(contact_ids: Sequence[int]) -> dict[int, int]:
    """The account a contact of a contact audience stands for: of several the first that was known."""
    rows = Membership.objects.filter(
        contact_id__in=contact_ids, account__merged_into__isnull=True, account__erased_at__isnull=True
    )
    pairs = rows.order_by("-account_id").values_list("contact_id", "account_id")
    return dict(pairs)


def _last_entries(campaign: Campaign, account_ids: Sequence[int]) -> dict[int, Entry]:
    rows = Entry.objects.filter(campaign=campaign, account_id__in=account_ids).select_related("campaign", "account")
    rows = rows.order_by("account_id", "-number").distinct("account_id").prefetch_related("enrolments")
    return {row.account_id: row for row in rows}


def _enrolled_contacts(campaign: Campaign, contact_ids: Sequence[int]) -> set[int]:
    rows = Enrolment.objects.filter(campaign=campaign, contact_id__in=contact_ids, state=Enrolment.State.OPEN)
    return set(rows.values_list("contact_id", flat=True))
