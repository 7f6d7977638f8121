"""Tracking calls become accounts, contacts, memberships and usage. Set-based: a batch costs what an event costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from campaigns.intake.pending import Inbound, Verdicts
from campaigns.profiles import identify, lookup
from campaigns.usage import record, roll

ACTS = frozenset({"track", "page", "screen"})
KINDS = ACTS | {"identify", "group", "alias"}


@dataclass(slots=True)
class Taken:
    """`introduced`: somebody is new whom parked events may wait for."""

    verdicts: Verdicts = field(default_factory=Verdicts)
    events: int = 0
    introduced: bool = False
    profiles_changed: bool = False
    rolled: roll.Rolled = field(default_factory=lambda: roll.Rolled(0))


def take_events(*, rows: Sequence[Inbound], now: datetime) -> Taken:
    """Groups first, then contacts, then what they did, whatever their order in the batch.

    Who names an account or contact that nobody has introduced waits for them.
    """
    taken = Taken()
    _take_groups([row for row in rows if row.kind == "group"], taken, now)
    named = {account for row in rows if row.kind != "group" and (account := _account(row))}
    accounts = lookup.account_ids(external_ids=named)
    _take_identities([row for row in rows if row.kind == "identify"], accounts, taken, now)
    _take_aliases([row for row in rows if row.kind == "alias"], taken)
    _take_acts([row for row in rows if row.kind in ACTS], accounts, taken)
    return taken


def _take_groups(rows: Sequence[Inbound], taken: Taken, now: datetime) -> None:
    if not rows:
        return
    accounts = [identify.AccountRecord(row.payload["groupId"], row.at, {}, row.payload["traits"]) for row in rows]
    members = [row for row in rows if row.payload.get("userId")]
    contacts = [identify.ContactRecord(row.payload["userId"], row.at) for row in members]
    _note(taken, identify.upsert_accounts(records=accounts, now=now))
    _note(taken, identify.upsert_contacts(records=contacts, now=now))
    pairs = [(row.payload["groupId"], row.payload["userId"], None) for row in members]
    taken.profiles_changed |= identify.join_members(pairs=pairs, now=now) > 0


def _take_identities(rows: Sequence[Inbound], accounts: dict[str, int], taken: Taken, now: datetime) -> None:
    known = [row for row in rows if _is_introduced(row, accounts, taken) and row.payload.get("userId")]
    records = [identify.ContactRecord(row.payload["userId"], row.at, {}, row.payload["traits"]) for row in known]
    _note(taken, identify.upsert_contacts(records=records, now=now))
    pairs = [(account, row.payload["userId"], None) for row in known if (account := _account(row))]
    taken.profiles_changed |= identify.join_members(pairs=pairs, now=now) > 0


def _take_aliases(rows: Sequence[Inbound], taken: Taken) -> None:
    if not rows:
        return
    named = {row.payload[name] for row in rows for name in ("userId", "previousId")}
    contacts = lookup.contact_ids(external_ids=named)
    for row in rows:
        owner, earlier = contacts.get(row.payload["userId"]), contacts.get(row.payload["previousId"])
        if owner is None:
            taken.verdicts.waiting[row.id] = f"contact:{row.payload['userId']}"
        elif earlier is None:
            pair = (row.payload["previousId"], owner)
            taken.introduced |= identify.alias_contacts(source=row.source, pairs=[pair]) > 0
        elif earlier != owner:
            taken.verdicts.bad[row.id] = "Both ids of this alias are known contacts: a person must merge them."


def _take_acts(rows: Sequence[Inbound], accounts: dict[str, int], taken: Taken) -> None:
    if not rows:
        return
    contacts = lookup.contact_ids(external_ids={row.payload["userId"] for row in rows if row.payload.get("userId")})
    ready = [row for row in rows if _is_introduced(row, accounts, taken) and _is_known_contact(row, contacts, taken)]
    lonely = {contacts[row.payload["userId"]] for row in ready if row.payload.get("userId") and not _account(row)}
    homes = lookup.only_accounts(contact_ids=lonely)
    events = [_event(row, accounts, contacts, homes) for row in ready]
    record.record_events(events=events)
    taken.rolled = roll.roll_events(events=events)
    taken.events += len(events)
    _see(events)


def _event(row: Inbound, accounts: dict[str, int], contacts: dict[str, int], homes: dict[int, int]) -> record.NewEvent:
    contact = contacts.get(row.payload.get("userId") or "")
    named = _account(row)
    return record.NewEvent(
        at=row.at,
        account_id=accounts[named] if named else homes.get(contact or 0),
        contact_id=contact,
        name=row.payload["event"] if row.kind == "track" else row.kind,
        properties=_properties(row),
        source=row.source,
        message_id=row.message_id,
        received_at=row.received_at,
    )


def _properties(row: Inbound) -> dict[str, Any]:
    properties: dict[str, Any] = row.payload["properties"]
    if row.kind == "track":
        return properties
    return {"name": row.payload.get("name"), **properties}


def _see(events: Sequence[record.NewEvent]) -> None:
    seen: dict[int, datetime] = {}
    for event in events:
        if event.contact_id is not None and seen.get(event.contact_id, event.at) <= event.at:
            seen[event.contact_id] = event.at
    identify.see_contacts(seen=seen)


def _account(row: Inbound) -> str:
    """The account an item names: `context.groupId`, else the property `groupId`."""
    named = row.payload["context"].get("groupId") or row.payload["properties"].get("groupId")
    if isinstance(named, int) and not isinstance(named, bool):
        return str(named)
    return named if isinstance(named, str) else ""


def _is_introduced(row: Inbound, accounts: dict[str, int], taken: Taken) -> bool:
    named = _account(row)
    if not named or named in accounts:
        return True
    taken.verdicts.waiting[row.id] = f"account:{named}"
    return False


def _is_known_contact(row: Inbound, contacts: dict[str, int], taken: Taken) -> bool:
    named = row.payload.get("userId")
    if not named or named in contacts:
        return True
    taken.verdicts.waiting[row.id] = f"contact:{named}"
    return False


def _note(taken: Taken, outcome: identify.Outcome) -> None:
    taken.introduced |= outcome.created > 0
    taken.profiles_changed |= outcome.created + outcome.updated > 0
