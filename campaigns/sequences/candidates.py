"""Which of those who came into an audience, or were brought in otherwise, may enter the campaign, and as whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from campaigns.profiles.models import Account, Membership
from campaigns.segments.models import SegmentMembership
from campaigns.sequences.campaign_file import ALWAYS, NEVER, EntrySpec
from campaigns.sequences.models import Campaign, Enrolment, Entry


@dataclass(frozen=True, slots=True)
class Arrival:
    """An account that comes in at `at`, or one contact, who alone is meant then; `account_id` beside a contact says
    for which account. `occasion` is said of all but those from the segment."""

    account_id: int | None
    contact_id: int | None
    at: datetime
    stay: SegmentMembership | None = None
    source: str = Entry.Source.SEGMENT
    occasion: str = ""


@dataclass(slots=True)
class Candidate:
    """One account. `contact_ids` is filled where contacts came in: only they are meant.

    `joins`: the account is enrolled already and another of its contacts came in; it gets no second entry.
    `faults`: those who came in of whom the last that is written is that a fault of ours kept them out.
    """

    account: Account
    arrival: Arrival
    number: int
    contact_ids: list[int]
    joins: Entry | None = None
    faults: list[Arrival] = field(default_factory=list)

    def written(self, *, is_kept_out: bool) -> list[Arrival]:
        """Whose entries are to be written. What keeps them out by now takes the place of each fault."""
        if is_kept_out and self.faults:
            return list({one.stay: one for one in self.faults}.values())
        return [] if self.joins else [self.arrival]


@dataclass(slots=True)
class _Past:
    """An account's entries so far, the oldest first; `taken` are those that did not keep it out."""

    entries: list[Entry] = field(default_factory=list)

    @property
    def taken(self) -> list[Entry]:
        return [one for one in self.entries if one.outcome != Entry.Outcome.NOT_ENROLLED]


def arrivals_of(*, stays: Sequence[SegmentMembership], now: datetime) -> list[Arrival]:
    return [Arrival(stay.account_id, stay.contact_id, now, stay) for stay in stays]


def find_candidates(
    *, campaign: Campaign, entry: EntrySpec, arrivals: Sequence[Arrival], is_second_look: bool = False
) -> dict[int, Candidate]:
    """By account id, in order of arriving. Who may not enter again keeps the entry that stands. A second look is for
    those, too, whom this stay did not bring in."""
    fresh = list(arrivals) if is_second_look else not_seen(campaign=campaign, arrivals=arrivals)
    people = [one.contact_id for one in fresh if one.contact_id]
    home = _home_accounts(people)
    wanted = {_account_of(one, home) for one in fresh}
    accounts = {one.pk: one for one in Account.objects.current().filter(pk__any=[pk for pk in wanted if pk])}
    past = _pasts(campaign, list(accounts))
    inside = _enrolled_contacts(campaign, people)
    found: dict[int, Candidate] = {}
    for one in fresh:
        account = accounts.get(_account_of(one, home) or 0)
        if account is None or one.contact_id in inside:
            continue
        candidate = _candidate(account, one, past.get(account.pk), entry)
        if candidate is None:
            continue
        known = found.get(account.pk)
        found[account.pk] = candidate if known is None else _both(known, candidate)
    return found


def _both(known: Candidate, other: Candidate) -> Candidate:
    """Of one account. Where it is meant itself, it is for the campaign to say whom of it to write to."""
    both = known if other.contact_ids else other
    both.faults = known.faults + other.faults
    if known.contact_ids and other.contact_ids:
        both.contact_ids = known.contact_ids + other.contact_ids
    return both


def accounts_of(*, arrivals: Sequence[Arrival]) -> list[int | None]:
    """Of each; None for a contact of no account."""
    home = _home_accounts([one.contact_id for one in arrivals if one.contact_id])
    return [_account_of(one, home) for one in arrivals]


def _account_of(one: Arrival, home: dict[int, int]) -> int | None:
    return one.account_id or home.get(one.contact_id or 0)


def _candidate(account: Account, one: Arrival, past: _Past | None, entry: EntrySpec) -> Candidate | None:
    people = [one.contact_id] if one.contact_id else []
    if past is None:
        return Candidate(account, one, 1, people)
    stay_id = one.stay.pk if one.stay else None
    judged = _judged(past, stay_id)
    if one.source == Entry.Source.EVENT and judged and one.at <= judged[-1].at:
        # It happened before it was last looked at what becomes of the account: it has had its answer.
        return None
    found = Candidate(account, one, past.entries[-1].number + 1, people)
    if _was_fault(past, stay_id):
        found.faults.append(one)
    if not past.taken or _may_enter_again(past.taken, entry, one.at):
        return found
    last = past.taken[-1]
    if people and last.outcome == Entry.Outcome.ENROLLED and not _was_enrolled(last, one.contact_id):
        found.joins = last
        return found
    return None


def _judged(past: _Past, stay_id: int | None) -> list[Entry]:
    """A fault that kept out a colleague, and what did after it, say nothing of this one."""
    others = {known.stay_id for known in past.entries if known.reason == Entry.Reason.FAULT} - {stay_id}
    return [
        known for known in past.entries if known.outcome != Entry.Outcome.NOT_ENROLLED or known.stay_id not in others
    ]


def _was_fault(past: _Past, stay_id: int | None) -> bool:
    of_stay = [known for known in past.entries if known.stay_id == stay_id]
    return bool(of_stay) and of_stay[-1].reason == Entry.Reason.FAULT


def _may_enter_again(taken: Sequence[Entry], entry: EntrySpec, at: datetime) -> bool:
    """Days count from the exit of the last who left; for the held out, who never were inside, from the entry."""
    last = taken[-1]
    enrolments = list(last.enrolments.all())
    if entry.reentry == NEVER or any(one.state == Enrolment.State.OPEN for one in enrolments):
        return False
    if entry.at_most is not None and len(taken) >= entry.at_most:
        return False
    left = max((one.ended_at for one in enrolments if one.ended_at is not None), default=last.at)
    return left <= at if entry.reentry == ALWAYS else left + timedelta(days=entry.cooldown_days) <= at


def _was_enrolled(entry: Entry, contact_id: int | None) -> bool:
    return any(one.contact_id == contact_id for one in entry.enrolments.all())


def not_seen(*, campaign: Campaign, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """A stay brings in once; what happened during it may bring in again."""
    ids = [one.stay.pk for one in arrivals if one.stay is not None and one.source == Entry.Source.SEGMENT]
    seen = set(Entry.objects.filter(campaign=campaign, stay_id__any=ids).values_list("stay_id", flat=True))
    return [
        one for one in arrivals if one.source != Entry.Source.SEGMENT or one.stay is None or one.stay.pk not in seen
    ]


def _home_accounts(contact_ids: Sequence[int]) -> dict[int, int]:
    """The account a contact of a contact audience stands for: of several the first that was known."""
    rows = Membership.objects.filter(
        contact_id__any=contact_ids, account__merged_into__isnull=True, account__erased_at__isnull=True
    )
    pairs = rows.order_by("-account_id").values_list("contact_id", "account_id")
    return dict(pairs)


def _pasts(campaign: Campaign, account_ids: Sequence[int]) -> dict[int, _Past]:
    rows = Entry.objects.filter(campaign=campaign, account_id__any=account_ids).select_related("campaign", "account")
    found: dict[int, _Past] = defaultdict(_Past)
    for row in rows.order_by("number").prefetch_related("enrolments"):
        found[row.account_id].entries.append(row)
    return found


def _enrolled_contacts(campaign: Campaign, contact_ids: Sequence[int]) -> set[int]:
    rows = Enrolment.objects.filter(campaign=campaign, contact_id__any=contact_ids, state=Enrolment.State.OPEN)
    return set(rows.values_list("contact_id", flat=True))
