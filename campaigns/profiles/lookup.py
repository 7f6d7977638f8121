"""From a sender's ids to our rows: by primary id, else by alias. A merged row leads to the one that stands."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

BILLING = "billing"

_KEY = """COALESCE(
        (SELECT COALESCE(o.merged_into_id, o.id) FROM {table} o WHERE o.external_id = {id}),
        (SELECT min(COALESCE(o.merged_into_id, o.id)) FROM {alias} a JOIN {table} o ON o.id = a.{owner}_id
          WHERE a.value = {id}))"""
_OF_ACCOUNTS = {"table": "profiles_account", "alias": "profiles_accountalias", "owner": "account"}
_OF_CONTACTS = {"table": "profiles_contact", "alias": "profiles_contactalias", "owner": "contact"}
_LOOKUP = f"SELECT given.id, {_KEY} FROM unnest(%s::text[]) AS given(id)"  # noqa: S608  (names of our own tables)
_ACCOUNTS = _LOOKUP.format(id="given.id", **_OF_ACCOUNTS)
_CONTACTS = _LOOKUP.format(id="given.id", **_OF_CONTACTS)
# One row: `contact_id` and `account_id` of the ids that %(contact)s and %(account)s bind, null where nobody has them; a
# contact also where it was erased. For whoever is asked many times a second; usable as a derived table.
PAIR_SQL = f"""
    SELECT (SELECT c.id FROM profiles_contact c WHERE c.id = given.contact_id AND c.erased_at IS NULL) AS contact_id,
           given.account_id
      FROM (SELECT {_KEY.format(id="%(contact)s::text", **_OF_CONTACTS)} AS contact_id,
                   {_KEY.format(id="%(account)s::text", **_OF_ACCOUNTS)} AS account_id) AS given
"""  # noqa: S608  (names of our own tables)


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
