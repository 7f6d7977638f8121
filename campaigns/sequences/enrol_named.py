"""Take in accounts and contacts that somebody names: in a file, or through another system.

Whoever names them decides in place of the audience. Everything else holds as for those who come by themselves: the
gates, consent, the re-entry rule, one open enrolment for a person, the holdout's draw.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.operations.models import AuditEntry
from campaigns.profiles import lookup
from campaigns.profiles.models import Account, Membership
from campaigns.segments.models import SegmentMembership
from campaigns.sequences import candidates, enrol, enrol_apart, rehearse
from campaigns.sequences.candidates import Arrival, Candidate
from campaigns.sequences.counts import Counts
from campaigns.sequences.lifecycle import WrongStateError
from campaigns.sequences.models import Campaign, Enrolment

BATCH = 1000
MOST = 50_000
# By account id, and contact id where one is named.
type _Found = dict[tuple[int, int | None], Named]


@dataclass(frozen=True, slots=True)
class Named:
    """By external id: an account, a contact, or a contact as somebody of an account. `place` is where it was named."""

    account: str = ""
    contact: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Somebody named who can't be taken in, and why, in the reader's words."""

    place: str
    named: str
    why: str


@dataclass(slots=True)
class Report:
    """Accounts but for `named` and `unfit`, which are lines. `joined`: another contact of an account that is in the
    campaign; `not_again`: the re-entry rule keeps it out. In a dry run they are what would come of it."""

    dry_run: bool
    named: int = 0
    enrolled: int = 0
    joined: int = 0
    holdout: int = 0
    not_enrolled: Counter[str] = field(default_factory=Counter)
    already_in: int = 0
    not_again: int = 0
    unfit: list[Unfit] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.enrolled += other.enrolled
        self.joined += other.joined
        self.holdout += other.holdout
        self.not_enrolled.update(other.not_enrolled)
        self.already_in += other.already_in
        self.not_again += other.not_again
        self.unfit += other.unfit


def enrol_accounts(
    *,
    campaign: Campaign,
    named: Sequence[Named],
    source: str,
    occasion: str,
    by: str,
    now: datetime,
    dry_run: bool = False,
) -> Report:
    """All who can be, in batches; `source` is FILE or API, `occasion` the file or the caller, kept on each entry. Who
    fails is told as unfit, to be named again; so is, once that has taken as long as it may, who failed in company.

    A dry run does the same and takes it back. Raises WrongStateError unless the campaign is live, and ValueError for
    more than MOST at a time.
    """
    if len(named) > MOST:
        raise ValueError(f"At most {MOST} can be named at a time.")
    report = Report(dry_run, named=len(named))
    if dry_run:
        with rehearse.rolled_back():
            _enrol(campaign, named, source, occasion, report, now)
        return report
    _enrol(campaign, named, source, occasion, report, now)
    AuditEntry.objects.create(
        at=now,
        actor=by,
        action="campaign.enrol",
        subject=f"campaign:{campaign.slug}",
        after={"source": source, "occasion": occasion, "enrolled": report.enrolled, "holdout": report.holdout},
    )
    return report


def _enrol(
    campaign: Campaign, named: Sequence[Named], source: str, occasion: str, report: Report, now: datetime
) -> None:
    accounts = {one.account for one in named if one.account and not one.contact}
    whole = set(lookup.account_ids(external_ids=accounts).values())
    patience = enrol_apart.SECONDS
    for start in range(0, max(len(named), 1), BATCH):
        found = _find(named[start : start + BATCH], whole, report)
        began = time.monotonic()
        batch = partial(_enrol_batch, campaign.pk, found, source, occasion[:200], patience, now)
        done = enrol_apart.despite_faults(batch, slug=campaign.slug)
        if done is None:
            raise WrongStateError(f"{campaign.slug} does not run: only a live campaign takes anybody in.")
        if done.unfit:
            patience -= time.monotonic() - began
        report.add(done)


@transaction.atomic
def _enrol_batch(
    campaign_id: int, found: _Found, source: str, occasion: str, patience: float, now: datetime, *, apart: bool
) -> Report | None:
    """None unless the campaign is live."""
    campaign = enrol.lock(campaign_id)
    if campaign is None:
        return None
    stays = _stays(campaign, found)
    arrivals = [
        Arrival(
            account_id,
            contact_id,
            now,
            stays.get(("contact", contact_id or 0)) or stays.get(("account", account_id)),
            source,
            occasion,
        )
        for account_id, contact_id in found
    ]
    entry = enrol.entry_rule(campaign)
    settled: set[tuple[int, int | None]] = set()
    wanted: dict[int, Candidate] = {}

    def act(part: Sequence[Arrival]) -> Counts:
        people = candidates.find_candidates(campaign=campaign, entry=entry, arrivals=part)
        counts = enrol.enrol_arrivals(campaign=campaign, arrivals=part, now=now)
        settled.update((one.account_id or 0, one.contact_id) for one in part)
        wanted.update({pk: one for pk, one in people.items() if pk not in wanted})
        return counts

    counts, _is_whole = enrol_apart.take_in(
        campaign=campaign, arrivals=arrivals, act=act, apart=apart, now=now, seconds=patience, is_told=True
    )
    left_out = {account_id for account_id, _contact in settled} - set(wanted)
    inside = _inside(campaign, left_out)
    return Report(
        dry_run=False,
        enrolled=counts.enrolled,
        joined=sum(one.joins is not None for one in wanted.values()),
        holdout=counts.holdout,
        not_enrolled=Counter(counts.not_enrolled),
        already_in=len(inside),
        not_again=len(left_out - inside),
        unfit=[
            Unfit(one.place, one.contact or one.account, _("Not taken in by a fault of our own. Name it again later."))
            for key, one in found.items()
            if key not in settled
        ],
    )


def _find(named: Sequence[Named], whole: Collection[int], report: Report) -> _Found:
    """Those who are known; the others go into the report. Of the accounts `whole`, which are named themselves, it is
    for the campaign to say whom it writes to."""
    accounts = lookup.account_ids(external_ids={one.account for one in named if one.account})
    contacts = lookup.contact_ids(external_ids={one.contact for one in named if one.contact})
    homes = _homes(contacts.values())
    current = set(Account.objects.current().filter(pk__in=accounts.values()).values_list("pk", flat=True))
    found: _Found = {}
    for one in named:
        why = _why_unfit(one, accounts, contacts, homes, current)
        if why:
            report.unfit.append(Unfit(one.place, one.contact or one.account, why))
            continue
        contact_id = contacts[one.contact] if one.contact else None
        account_id = accounts[one.account] if one.account else homes[contact_id or 0][0]
        if contact_id is not None and account_id in whole:
            report.unfit.append(
                Unfit(one.place, one.contact, _("Its account is named too; the account’s line counts."))
            )
            continue
        if (account_id, contact_id) in found:
            report.unfit.append(Unfit(one.place, one.contact or one.account, _("Named twice; the first counts.")))
        found.setdefault((account_id, contact_id), one)
    return found


def _why_unfit(
    one: Named,
    accounts: Mapping[str, int],
    contacts: Mapping[str, int],
    homes: Mapping[int, Sequence[int]],
    current: set[int],
) -> str:
    if not one.account and not one.contact:
        return _("Neither an account nor a contact is named.")
    if one.contact and one.contact not in contacts:
        return _("There is no contact with this id.")
    if one.account and accounts.get(one.account) not in current:
        return _("There is no account with this id.")
    if one.contact and not homes.get(contacts[one.contact]):
        return _("The contact belongs to no account.")
    if one.account and one.contact and accounts[one.account] not in homes[contacts[one.contact]]:
        return _("The contact does not belong to this account.")
    return ""


def _homes(contact_ids: Collection[int]) -> dict[int, list[int]]:
    """The accounts of each contact, the first that was known first."""
    rows = Membership.objects.filter(contact_id__in=contact_ids, account__in=Account.objects.current())
    found: dict[int, list[int]] = defaultdict(list)
    for contact_id, account_id in rows.order_by("account_id").values_list("contact_id", "account_id"):
        found[contact_id].append(account_id)
    return found


def _stays(campaign: Campaign, found: _Found) -> dict[tuple[str, int], SegmentMembership]:
    """Whoever is in the audience leaves with it as others do."""
    rows = SegmentMembership.objects.filter(segment=campaign.segment, left_at__isnull=True)
    accounts = rows.filter(account_id__in=[account_id for account_id, _ in found])
    contacts = rows.filter(contact_id__in=[contact_id for _, contact_id in found if contact_id])
    return {("account", stay.account_id or 0): stay for stay in accounts} | {
        ("contact", stay.contact_id or 0): stay for stay in contacts
    }


def _inside(campaign: Campaign, account_ids: Collection[int]) -> set[int]:
    rows = Enrolment.objects.filter(campaign=campaign, account_id__in=account_ids, state=Enrolment.State.OPEN)
    return set(rows.values_list("account_id", flat=True))
