"""Attention is a budget: how many upsell messages an account and a contact get in rolling times
and calendar periods.

A mailbox or a number that several contacts have is read by one person: what goes there takes from the contact and from
the one to whom the address belongs, so that all that goes there stands in one row.

Taken inside begin_send under the rows' own locks. A count under a share lock would let two workers
both see room for the last one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from campaigns.consent.models import ContactPoint
from campaigns.delivery.claim import Held
from campaigns.operations import arrays
from orchestrator.engine import capping

# To whom an address belongs, of a row `point`: the contact it was made for, else the first who has it.
PAYER_SQL = """coalesce(point.contact_id, CASE point.channel
        WHEN 'email' THEN (SELECT min(id) FROM profiles_contact WHERE email_hash = point.address_hash)
        WHEN 'sms' THEN (SELECT min(id) FROM profiles_contact WHERE phone_hash = point.address_hash)
    END)"""

_ENSURE = """
INSERT INTO delivery_attentionbudget (account_id, contact_id, spent, revision)
SELECT account_id, NULL, '[]'::jsonb, 0 FROM unnest(%(accounts)s::bigint[]) AS account_id
UNION ALL
SELECT NULL, contact_id, '[]'::jsonb, 0 FROM unnest(%(contacts)s::bigint[]) AS contact_id
ON CONFLICT DO NOTHING
"""

_COUNT = """
SELECT count(*) FROM delivery_attentionbudget
WHERE account_id = ANY(%(accounts)s::bigint[]) OR contact_id = ANY(%(contacts)s::bigint[])
"""

_LOCK = """
SELECT id, account_id, contact_id, spent
FROM delivery_attentionbudget
WHERE account_id = ANY(%(accounts)s::bigint[]) OR contact_id = ANY(%(contacts)s::bigint[])
ORDER BY id
FOR UPDATE
"""

_STORE = """
UPDATE delivery_attentionbudget AS budget
SET spent = new.spent, revision = budget.revision + 1
FROM unnest(%s::bigint[], %s::jsonb[]) AS new(id, spent)
WHERE budget.id = new.id
"""

_OWNERS = f"""
SELECT DISTINCT {PAYER_SQL} FROM delivery_message message
JOIN consent_contactpoint point ON point.id = message.point_id
WHERE message.id = ANY(%s::bigint[])
"""  # noqa: S608  (a constant)

_GIVE_BACK = """
UPDATE delivery_attentionbudget AS budget
SET spent = (
        SELECT coalesce(jsonb_agg(entry), '[]'::jsonb)
        FROM jsonb_array_elements(budget.spent) AS entry
        WHERE NOT (entry ->> 0)::bigint = ANY(%(messages)s)
    ),
    revision = budget.revision + 1
WHERE id = ANY(%(ids)s)
"""


@dataclass(slots=True)
class _Row:
    id: int
    spent: list[tuple[int, datetime]]
    is_changed: bool = False


@dataclass(slots=True)
class Budgets:
    """The locked rows of a slice's accounts and contacts; `take` spends, `store` writes it back."""

    caps: Sequence[capping.Cap]
    accounts: dict[int, _Row] = field(default_factory=dict)
    contacts: dict[int, _Row] = field(default_factory=dict)

    def earliest(
        self,
        *,
        message_id: int,
        account_id: int | None,
        contact_ids: Sequence[int],
        now: datetime,
        zone: str = "UTC",
        account_zone: str = "UTC",
    ) -> datetime:
        """When one more message breaks no cap of the account or of one of the contacts (see `payers`). The message's
        own earlier try is free.

        Calendar periods are the contacts' by `zone` and the account's by `account_zone`.
        """
        rows = [(row.spent, owner) for row, owner in self._rows(account_id, contact_ids)]
        return self._earliest(rows, message_id, now, zone, account_zone)

    def earliest_of(
        self,
        *,
        message_id: int,
        account_id: int,
        contacts_sent: Sequence[Sequence[tuple[int, datetime]]],
        now: datetime,
        zone: str,
        account_zone: str,
    ) -> datetime:
        """The same for a message to another contact of a locked account: `contacts_sent` is (message id, when) of each
        of its payers."""
        row = self.accounts.get(account_id)
        contacts = [(sent, capping.CONTACT) for sent in contacts_sent]
        rows = [*contacts, *([(row.spent, capping.ACCOUNT)] if row else [])]
        return self._earliest(rows, message_id, now, zone, account_zone)

    def _earliest(
        self,
        rows: Sequence[tuple[Sequence[tuple[int, datetime]], str]],
        message_id: int,
        now: datetime,
        zone: str,
        account_zone: str,
    ) -> datetime:
        allowed = now
        # Room in one row's period may lie where the other's is full: both have to say yes to the same moment.
        while True:
            before = allowed
            for spent, owner in rows:
                allowed = capping.earliest_allowed(
                    sent_at=[at for spender, at in spent if spender != message_id],
                    caps=[cap for cap in self.caps if cap.of in ("", owner)],
                    now=allowed,
                    zone=zone if owner == capping.CONTACT else account_zone,
                )
            if allowed == before:
                return allowed

    def spent_since(self, *, account_id: int, since: datetime) -> list[tuple[int, datetime]]:
        """(message id, when) of what the account was sent after `since`."""
        row = self.accounts.get(account_id)
        return [(spender, at) for spender, at in row.spent if at > since] if row is not None else []

    def take(self, *, message_id: int, account_id: int | None, contact_ids: Sequence[int], now: datetime) -> None:
        keep_since = now - max([timedelta(minutes=settings.ARBITRATION_WINDOW_MIN), *(cap.memory for cap in self.caps)])
        for row, _ in self._rows(account_id, contact_ids):
            kept = [(spender, at) for spender, at in row.spent if at > keep_since and spender != message_id]
            row.spent = [*kept, (message_id, now)]
            row.is_changed = True

    def store(self) -> None:
        changed = [row for row in (*self.accounts.values(), *self.contacts.values()) if row.is_changed]
        if not changed:
            return
        spent = [json.dumps([[spender, at.isoformat()] for spender, at in row.spent]) for row in changed]
        with connection.cursor() as cursor:
            cursor.execute(_STORE, [arrays.numbers(row.id for row in changed), spent])

    def _rows(self, account_id: int | None, contact_ids: Sequence[int]) -> list[tuple[_Row, str]]:
        if not (self.accounts or self.contacts):
            # Nothing is limited, so nothing was locked.
            return []
        own = [(self.contacts[contact_id], capping.CONTACT) for contact_id in contact_ids]
        return [*own, (self.accounts[account_id], capping.ACCOUNT)] if account_id is not None else own


def payers(held: Held, points: Mapping[int, ContactPoint]) -> tuple[int, ...]:
    """The contacts from whose attention a message takes: whom it is to and, where that is another, to whom its address
    belongs (`points`, read by PAYER_SQL)."""
    owner = points[held.point_id].contact_id
    return (held.contact_id,) if owner in (None, held.contact_id) else (held.contact_id, owner)


def lock_budgets(*, account_ids: Iterable[int], contact_ids: Iterable[int]) -> Budgets:
    """The rows of all of them (made where they lacked), locked in id order until the transaction ends."""
    caps = capping.read_caps(settings.FREQUENCY_CAPS)
    budgets = Budgets(caps=caps)
    accounts, contacts = sorted(set(account_ids)), sorted(set(contact_ids))
    keys = {"accounts": arrays.numbers(accounts), "contacts": arrays.numbers(contacts)}
    if not (caps or settings.ARBITRATION_WINDOW_MIN) or not (accounts or contacts):
        return budgets
    with connection.cursor() as cursor:
        # All are made before any is locked: who holds a row and waits for one being made could wait for its maker, who
        # waits for that row.
        cursor.execute(_COUNT, keys)
        if cursor.fetchone()[0] < len(accounts) + len(contacts):
            cursor.execute(_ENSURE, keys)
        cursor.execute(_LOCK, keys)
        rows = cursor.fetchall()
    for row_id, account_id, contact_id, spent in rows:
        entries = spent if isinstance(spent, list) else json.loads(spent)
        row = _Row(id=row_id, spent=[(spender, datetime.fromisoformat(at)) for spender, at in entries])
        if account_id is not None:
            budgets.accounts[account_id] = row
        else:
            budgets.contacts[contact_id] = row
    return budgets


def _owners(message_ids: Sequence[int]) -> set[int]:
    """The contacts to whom the addresses of these messages belong."""
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS, [list(message_ids)])
        return {row[0] for row in cursor.fetchall() if row[0] is not None}


def give_back(*, message_ids: Sequence[int], account_ids: Iterable[int], contact_ids: Iterable[int]) -> None:
    """These messages certainly did not go: what they took of these accounts, of these contacts and of those to whom
    their addresses belong is free again."""
    payers = set(contact_ids) | _owners(message_ids)
    keys = {"accounts": arrays.numbers(set(account_ids)), "contacts": arrays.numbers(payers)}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, keys)
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(_GIVE_BACK, {"ids": ids, "messages": list(message_ids)})
