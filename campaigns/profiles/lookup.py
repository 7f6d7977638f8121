"""From a sender's ids to our rows: by primary id, else by alias. A merged row leads to the one that stands."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

BILLING = "billing"

_LOOKUP = """
    SELECT given.id, COALESCE(
        (SELECT COALESCE(o.merged_into_id, o.id) FROM {table} o WHERE o.external_id = given.id),
        (SELECT min(COALESCE(o.merged_into_id, o.id)) FROM {alias} a JOIN {table} o ON o.id = a.{owner}_id
          WHERE a.value = given.id))
      FROM unnest(%s::text[]) AS given(id)
"""
_ACCOUNTS = _LOOKUP.format(table="profiles_account", alias="profiles_accountalias", owner="account")
_CONTACTS = _LOOKUP.format(table="profiles_contact", alias="profiles_contactalias", owner="contact")


def account_ids(*, external_ids: Collection[str]) -> dict[str, int]:
    """Primary key by the id that was asked for; unknown ids are absent."""
    return _look_up(_ACCOUNTS, external_ids)


def contact_ids(*, external_ids: Collection[str]) -> dict[str, int]:
    """Primary key by the id that was asked for; unknown ids are absent."""
    return _look_up(_CONTACTS, external_ids)


def account_by_billing(*, customer_id: str) -> int | None:
    """The account that a billing customer was linked with (`identify.alias_accounts`, source "billing")."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(o.merged_into_id, o.id) FROM profiles_accountalias a"
            " JOIN profiles_account o ON o.id = a.account_id WHERE a.source = %s AND a.value = %s",
            [BILLING, customer_id],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def only_accounts(*, contact_ids: Collection[int]) -> dict[int, int]:
    """The account of each contact that is a member of exactly one."""
    if not contact_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.contact_id, min(COALESCE(a.merged_into_id, a.id)) FROM profiles_membership m"
            " JOIN profiles_account a ON a.id = m.account_id WHERE m.contact_id = ANY(%s)"
            " GROUP BY m.contact_id HAVING count(DISTINCT COALESCE(a.merged_into_id, a.id)) = 1",
            [list(contact_ids)],
        )
        return dict(cursor.fetchall())


def _look_up(statement: str, external_ids: Collection[str]) -> dict[str, int]:
    if not external_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(set(external_ids))])
        return {external_id: key for external_id, key in cursor.fetchall() if key is not None}
