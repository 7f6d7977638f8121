"""The statements that write accounts, contacts and memberships a thousand at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from psycopg import sql

from campaigns.profiles import lookup
from campaigns.profiles.addresses import hash_address
from campaigns.profiles.merging import Profile


@dataclass(frozen=True, slots=True)
class Table:
    """`fields` maps the columns that reports fill to their types; `hashed` the columns that follow an address."""

    name: str
    fields: Mapping[str, str]
    hashed: Mapping[str, str]
    constants: Mapping[str, str]
    look_up: Callable[..., dict[str, int]]

    def add(self, external_ids: Sequence[str], now: datetime) -> dict[str, int]:
        """Empty rows for these ids, given in their order; ids that exist are passed over. {external id: key}."""
        if not external_ids:
            return {}
        columns = {"external_id": "given.id", "added_at": "%s", "traits": "'{}'", "trait_times": "'{}'"}
        columns |= {name: "''" for name, kind in self.fields.items() if kind == "text"}
        columns |= self.constants
        statement = sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {values} FROM unnest(%s::text[]) AS given(id)"
            " ON CONFLICT (external_id) DO NOTHING RETURNING external_id, id"
        ).format(
            table=sql.Identifier(self.name),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(map(sql.SQL, columns.values())),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [now, list(external_ids)])
            return dict(cursor.fetchall())

    def lock(self, keys: Collection[int]) -> dict[int, Profile]:
        """The current state by key, locked until the transaction ends; erased rows are left out."""
        statement = sql.SQL(
            "SELECT id, traits::text, trait_times::text, {fields} FROM {table}"
            " WHERE id = ANY(%s) AND erased_at IS NULL ORDER BY external_id FOR NO KEY UPDATE"
        ).format(
            table=sql.Identifier(self.name),
            fields=sql.SQL(", ").join(map(sql.Identifier, self.fields)),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [list(keys)])
            return {
                row[0]: Profile(
                    fields=dict(zip(self.fields, row[3:], strict=True)),
                    traits=json.loads(row[1]),
                    times=json.loads(row[2]),
                )
                for row in cursor.fetchall()
            }

    def write(self, profiles: Mapping[int, Profile]) -> None:
        if not profiles:
            return
        rows = list(profiles.values())
        columns: dict[str, tuple[str, list[object]]] = {
            "traits": ("jsonb", [json.dumps(row.traits, ensure_ascii=False) for row in rows]),
            "trait_times": ("jsonb", [json.dumps(row.times, ensure_ascii=False) for row in rows]),
        }
        columns |= {name: (kind, [row.fields[name] for row in rows]) for name, kind in self.fields.items()}
        columns |= {
            name: ("bytea", [hash_address(row.fields[of]) if row.fields[of] else None for row in rows])
            for name, of in self.hashed.items()
        }
        statement = sql.SQL(
            "UPDATE {table} AS o SET {settings} FROM (SELECT * FROM unnest(%s::bigint[], {arrays}) AS t(id, {names}))"
            " AS given WHERE o.id = given.id"
        ).format(
            table=sql.Identifier(self.name),
            settings=sql.SQL(", ").join(sql.SQL("{0} = given.{0}").format(sql.Identifier(name)) for name in columns),
            arrays=sql.SQL(", ").join(sql.SQL(f"%s::{kind}[]") for kind, _ in columns.values()),
            names=sql.SQL(", ").join(map(sql.Identifier, columns)),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [list(profiles), *(values for _, values in columns.values())])


ACCOUNTS = Table(
    name="profiles_account",
    fields={"name": "text", "domain": "text", "country": "text", "time_zone": "text", "created_at": "timestamptz"},
    hashed={},
    constants={"revision": "0"},
    look_up=lookup.account_ids,
)
CONTACTS = Table(
    name="profiles_contact",
    fields={
        "email": "text",
        "phone": "text",
        "first_name": "text",
        "last_name": "text",
        "locale": "text",
        "time_zone": "text",
        "country": "text",
        "created_at": "timestamptz",
    },
    hashed={"email_hash": "email", "phone_hash": "phone"},
    constants={},
    look_up=lookup.contact_ids,
)


def join_members(rows: Sequence[tuple[int, int, str | None]]) -> list[int]:
    """(account, contact, role or None), in key order. Returns the accounts whose members or roles changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO profiles_membership AS m (account_id, contact_id, role)"
            " SELECT account, contact, COALESCE(role, 'MEMBER')"
            "   FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS given(account, contact, role)"
            " ON CONFLICT (account_id, contact_id) DO UPDATE SET role = EXCLUDED.role"
            " WHERE m.role <> EXCLUDED.role AND (m.account_id, m.contact_id) NOT IN"
            "   (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))"
            " RETURNING account_id",
            [
                *([row[column] for row in rows] for column in range(3)),
                [account for account, _, role in rows if role is None],
                [contact for _, contact, role in rows if role is None],
            ],
        )
        return [row[0] for row in cursor.fetchall()]


def add_aliases(*, table: str, owner: str, source: str, pairs: Sequence[tuple[str, int]]) -> int:
    if not pairs:
        return 0
    rows = sorted(dict(pairs).items())
    statement = sql.SQL(
        "INSERT INTO {table} (source, value, {owner}) SELECT %s, * FROM unnest(%s::text[], %s::bigint[])"
        " ON CONFLICT (source, value) DO NOTHING"
    ).format(table=sql.Identifier(table), owner=sql.Identifier(owner))
    with connection.cursor() as cursor:
        cursor.execute(statement, [source, [value for value, _ in rows], [key for _, key in rows]])
        return cursor.rowcount
