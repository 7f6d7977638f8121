"""Make and update accounts, contacts and memberships from what the outside says about them. Set-based.

Rows are locked in the order of their external ids, so that two callers never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any

from django.db import connection, transaction

from campaigns.profiles import changes, known_fields, lookup, merging, tables
from campaigns.profiles.models import Membership

BATCH = 1000


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """What was said about one account at `at` (skew-corrected, UTC). `external_id` may be an alias.

    `fields`: name domain country time_zone created_at. None unsets, in fields and in traits.
    """

    external_id: str
    at: datetime
    fields: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """As AccountRecord. `fields`: email phone first_name last_name locale time_zone country created_at."""

    external_id: str
    at: datetime
    fields: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """How many rows were made, changed, or already said so; `ids` by the external id that was given."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    ids: dict[str, int] = field(default_factory=dict)


def upsert_accounts(*, records: Sequence[AccountRecord], now: datetime) -> Outcome:
    outcome = Outcome()
    for batch in batched(records, BATCH):
        with transaction.atomic():
            told = _upsert(tables.ACCOUNTS, known_fields.ACCOUNT_TRAITS, batch, outcome, now)
            changes.note_accounts(account_ids=told.created, kind=changes.ADDED, now=now)
            changes.note_accounts(account_ids=told.changed, kind=changes.CHANGED, now=now)
    return outcome


def upsert_contacts(*, records: Sequence[ContactRecord], now: datetime) -> Outcome:
    """An erased contact stays erased: nothing is written to it."""
    outcome = Outcome()
    for batch in batched(records, BATCH):
        with transaction.atomic():
            told = _upsert(tables.CONTACTS, known_fields.CONTACT_TRAITS, batch, outcome, now)
            changes.note_contacts(contact_ids=told.changed, kind=changes.CONTACT_CHANGED, now=now)
    return outcome


def join_members(*, pairs: Sequence[tuple[str, str, str | None]], now: datetime) -> int:
    """(account, contact, role or None) by external ids; unknown ids are passed over. Returns how many rows changed.

    A role is taken in any case; None or a word that is no role makes a MEMBER and leaves a member's role alone.
    """
    accounts = lookup.account_ids(external_ids={account for account, _, _ in pairs})
    contacts = lookup.contact_ids(external_ids={contact for _, contact, _ in pairs})
    roles: dict[tuple[int, int], str | None] = {}
    for account, contact, word in pairs:
        if account in accounts and contact in contacts:
            key = (accounts[account], contacts[contact])
            roles[key] = read_role(word) or roles.get(key)
    changed = 0
    for batch in batched(sorted(roles.items()), BATCH):
        with transaction.atomic():
            joined = tables.join_members([(account, contact, role) for (account, contact), role in batch])
            changes.note_accounts(account_ids=joined, kind=changes.MEMBERS_CHANGED, now=now)
        changed += len(joined)
    return changed


def read_role(word: str | None) -> str | None:
    role = (word or "").strip().upper()
    return role if role in Membership.Role.values else None


def alias_accounts(*, source: str, pairs: Sequence[tuple[str, int]]) -> int:
    """(another system's id, account): the first link of an id stands. Returns how many are new."""
    return tables.add_aliases(table="profiles_accountalias", owner="account_id", source=source, pairs=pairs)


def alias_contacts(*, source: str, pairs: Sequence[tuple[str, int]]) -> int:
    """(another system's id, contact): the first link of an id stands. Returns how many are new."""
    return tables.add_aliases(table="profiles_contactalias", owner="contact_id", source=source, pairs=pairs)


def see_contacts(*, seen: Mapping[int, datetime]) -> None:
    """Contacts did something at these times; only a later time than the known one moves it."""
    if not seen:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE profiles_contact c SET last_active_at = given.at"
            " FROM (SELECT * FROM unnest(%s::bigint[], %s::timestamptz[]) AS t(id, at)) AS given"
            " WHERE c.id = given.id AND (c.last_active_at IS NULL OR c.last_active_at < given.at)",
            [list(seen), list(seen.values())],
        )


@dataclass(slots=True)
class _Told:
    created: list[int]
    changed: list[int]


def _upsert(
    table: tables.Table,
    known: Mapping[str, str],
    records: Sequence[AccountRecord] | Sequence[ContactRecord],
    outcome: Outcome,
    now: datetime,
) -> _Told:
    owners = _find_or_add(table, {record.external_id for record in records}, now)
    profiles = table.lock(list(owners.ids.values()))
    for record in records:
        profile = profiles.get(owners.ids[record.external_id])
        if profile is not None:
            merging.merge(profile, at=record.at, fields=record.fields, traits=record.traits, known=known)
    table.write({key: profile for key, profile in profiles.items() if profile.is_told})
    told = _Told(
        created=sorted(owners.created),
        changed=sorted(key for key, profile in profiles.items() if profile.is_changed and key not in owners.created),
    )
    outcome.ids |= owners.ids
    outcome.created += len(told.created)
    outcome.updated += len(told.changed)
    outcome.unchanged += len(set(owners.ids.values())) - len(told.created) - len(told.changed)
    return told


@dataclass(slots=True)
class _Owners:
    ids: dict[str, int]
    created: set[int]


def _find_or_add(table: tables.Table, external_ids: set[str], now: datetime) -> _Owners:
    ids = table.look_up(external_ids=external_ids)
    created = table.add(sorted(external_ids - set(ids)), now)
    ids |= created
    missing = external_ids - set(ids)  # added by somebody else between the two statements
    return _Owners(ids=ids | table.look_up(external_ids=missing), created=set(created.values()))
