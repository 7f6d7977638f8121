"""Who changes an account's facts says so here; segments pull the rows and judge those accounts again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection

ADDED = "ACCOUNT_ADDED"
CHANGED = "ACCOUNT_CHANGED"
CONTACT_CHANGED = "CONTACT_CHANGED"
MEMBERS_CHANGED = "MEMBERS_CHANGED"
PLAN_CHANGED = "PLAN_CHANGED"
TICKETS_CHANGED = "TICKETS_CHANGED"


def note_accounts(*, account_ids: Collection[int], kind: str, now: datetime) -> None:
    if not account_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO profiles_accountchange (account_id, kind, at)"
            " SELECT DISTINCT id, %s, %s::timestamptz FROM unnest(%s::bigint[]) AS given(id)",
            [kind, now, list(account_ids)],
        )


def note_contacts(*, contact_ids: Collection[int], kind: str, now: datetime) -> None:
    """The change of a contact is one of every account it belongs to."""
    if not contact_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO profiles_accountchange (account_id, kind, at)"
            " SELECT DISTINCT account_id, %s, %s::timestamptz FROM profiles_membership WHERE contact_id = ANY(%s)",
            [kind, now, list(contact_ids)],
        )
