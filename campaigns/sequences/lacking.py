"""How many readers of an audience lack a word from data, by language: names by one statement, what is told of accounts
by the queries that planning makes for a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from campaigns.offers import quote
from campaigns.profiles.models import Account, Contact, Membership
from campaigns.segments.models import Segment
from campaigns.sequences import check_audience, evidence, planning_apart, rehearse
from campaigns.sequences.models import Campaign

# The facts of a contact that a source may leave empty.
FIELDS = {"contact.first_name": "first_name", "contact.last_name": "last_name"}
# What an account may be told, by the part of the context it stands in.
GROUPS = ("evidence", "offer")
LOOKED_AT = 5_000


@dataclass(slots=True)
class Readers:
    """Of one language: how many there are, and how many of them lack each variable."""

    everybody: int = 0
    lacking: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class Counted:
    """`by_language` as contacts have it, empty where it is not known; not `is_whole`: only the first of the
    audience."""

    by_language: Mapping[str, Readers]
    is_whole: bool = True


def count_names(*, segment: Segment, roles: tuple[str, ...]) -> Counted:
    """Of everybody who may be written to. One statement."""
    people = check_audience.memberships_meant(segment=segment, roles=roles).values("contact")
    missing = {f"no_{column}": Count("pk", filter=Q(**{column: ""})) for column in FIELDS.values()}
    rows = Contact.objects.filter(pk__in=people).order_by().values("locale").annotate(everybody=Count("pk"), **missing)
    found: dict[str, Readers] = defaultdict(Readers)
    for row in rows:
        counted: dict[str, Any] = dict(row)
        one = found[_language(counted["locale"])]
        one.everybody += counted["everybody"]
        for name, column in FIELDS.items():
            one.lacking[name] += counted[f"no_{column}"]
    return Counted(found)


def count_told(
    *, campaign: Campaign, roles: tuple[str, ...], names: Collection[str], now: datetime, limit: int = 0
) -> Counted:
    """Of `names` such as `evidence.quota`, of who is in the audience now. Accounts that the campaign's offer does not
    fit, or that it fails for, are left out, for they do not start. Of a large audience the first `limit` (0: LOOKED_AT)
    are looked at. Raises DefinitionError, SegmentTooSlow."""
    limit = limit or LOOKED_AT
    found = rehearse.matching_ids(campaign=campaign, now=now, limit=limit + 1)
    memberships = Membership.objects.filter(account__in=Account.objects.current())
    if roles:
        memberships = memberships.filter(role__in=roles)
    if found:
        memberships = memberships.filter(**{f"{found[0][0]}__in": [pk for _subject, pk in found[:limit]]})
        rows = list(memberships.values_list("account_id", "contact_id", "contact__locale"))
    else:
        rows = []
    lacking: dict[int, set[str]] = {}
    for part in planning_apart.read_apart(
        parts=[sorted({account_id for account_id, *_ in rows})],
        read=lambda ids: dict(_lacking(campaign, ids, names, now)),
        instead=lambda _ids: {},
    ):
        lacking |= part
    people: dict[int, tuple[str, set[str]]] = {}
    for account_id, contact_id, locale in rows:
        if account_id in lacking:
            people.setdefault(contact_id, (locale, set()))[1].update(lacking[account_id])
    return Counted(_by_language(people.values()), is_whole=len(found) <= limit)


def can_lack(*, name: str) -> bool:
    """An account's name and links are always there."""
    return name in FIELDS or name.partition(".")[0] in GROUPS


def _by_language(people: Iterable[tuple[str, set[str]]]) -> dict[str, Readers]:
    counted: dict[str, Readers] = defaultdict(Readers)
    for locale, missing in people:
        one = counted[_language(locale)]
        one.everybody += 1
        for name in missing:
            one.lacking[name] += 1
    return counted


def _lacking(
    campaign: Campaign, account_ids: Sequence[int], names: Collection[str], now: datetime
) -> Iterator[tuple[int, set[str]]]:
    """By account that would start: what of it nobody knows."""
    told: dict[str, Mapping[int, Mapping[str, Any]]] = {group: {} for group in GROUPS}
    fits: Collection[int] = account_ids
    if campaign.edited_offer is not None:
        told["offer"] = quote.foresee_figures(offer=campaign.edited_offer, account_ids=account_ids, now=now)
        fits = told["offer"]
    if any(name.startswith("evidence.") for name in names):
        told["evidence"] = evidence.gather_evidence(segment=campaign.edited_segment, account_ids=account_ids, now=now)
    for account_id in fits:
        missing = set()
        for name in names:
            group, _dot, key = name.partition(".")
            if told[group].get(account_id, {}).get(key) in (None, ""):
                missing.add(name)
        yield account_id, missing


def _language(locale: str) -> str:
    return locale.replace("_", "-").split("-")[0].lower()
