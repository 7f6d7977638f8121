"""What UPDATE steps say about accounts and contacts, written to their traits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from campaigns.profiles import identify
from campaigns.sequences.models import Enrolment


def source_of(enrolment: Enrolment) -> str:
    return f"campaign:{enrolment.campaign.slug}"


def note_traits(*, told: Sequence[tuple[Enrolment, dict[str, Any]]], now: datetime) -> None:
    """In the caller's transaction; of two that set the same trait the later one stands. `told` with account and contact
    at hand, names as in the file (`account.traits.KEY`)."""
    accounts: dict[str, dict[str, Any]] = {}
    contacts: dict[str, dict[str, Any]] = {}
    for enrolment, traits in told:
        for name, value in traits.items():
            side, _, key = name.split(".", 2)
            owners, owner = (accounts, enrolment.account) if side == "account" else (contacts, enrolment.contact)
            owners.setdefault(owner.external_id, {})[key] = value
    identify.upsert_accounts(
        records=[identify.AccountRecord(one, at=now, traits=traits) for one, traits in accounts.items()], now=now
    )
    identify.upsert_contacts(
        records=[identify.ContactRecord(one, at=now, traits=traits) for one, traits in contacts.items()], now=now
    )
