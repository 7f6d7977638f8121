"""One definition against a handful of rows, row by row: branches of a campaign, and who matches of a few."""

# ruff: noqa: S608  (what is formatted into statements are our own aliases; values are always bound)
from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.segments import nodes, parse
from campaigns.segments.compile import compile_node, everyone, new_statement, scope_of, with_sets
from campaigns.segments.scopes import Scope
from campaigns.segments.sql import bind, sql


def matching_pairs[Key: Hashable](
    *,
    document: Any,
    pairs: Sequence[tuple[Key, int | None, int | None]],
    now: datetime,
    campaign: str | None = None,
    since: Mapping[Key, datetime] | None = None,
) -> set[Key]:
    """Keys of the pairs (key, account id, contact id) for which the definition holds, both being bound.

    A side that is None is not bound: conditions on it hold for any that belongs to the other. `campaign` is
    what an engagement's `step` means when it names none. `since`: for a wait, from when on each key's events count
    (`scopes.Scope.since`). Raises DefinitionError.
    """
    definition = _read(document)
    found: set[Key] = set()
    for has_account, has_contact in ((True, True), (True, False), (False, True)):
        chosen = [p for p in pairs if (p[1] is not None) == has_account and (p[2] is not None) == has_contact]
        if chosen:
            found |= _match(definition, chosen, now, campaign, since, has_account=has_account, has_contact=has_contact)
    return found


def _read(document: Any) -> nodes.Definition:
    if isinstance(document, nodes.Definition):
        return document
    return parse.read_definition(document, in_branch=True)


def _match[Key: Hashable](
    definition: nodes.Definition,
    pairs: Sequence[tuple[Key, int | None, int | None]],
    now: datetime,
    campaign: str | None,
    since: Mapping[Key, datetime] | None,
    *,
    has_account: bool,
    has_contact: bool,
) -> set[Key]:
    statement = new_statement(definition, now=now, campaign=campaign)
    account, contact = "a" if has_account else None, "c" if has_contact else None
    scope = Scope(statement, False, account, contact, None if since is None else "given.since")
    source = (
        "unnest(%s::int[], %s::bigint[], %s::bigint[], %s::timestamptz[])"
        " AS given (number, account_id, contact_id, since)"
    )
    if has_account:
        source += " JOIN profiles_account a ON a.id = given.account_id"
    if has_contact:
        source += " JOIN profiles_contact c ON c.id = given.contact_id"
    condition = compile_node(definition.root, scope)
    columns: list[Any] = [list(range(len(pairs))), [pair[1] for pair in pairs], [pair[2] for pair in pairs]]
    columns.append([(since or {}).get(pair[0], now) for pair in pairs])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT given.number FROM {source} WHERE {condition.text}", [*columns, *condition.params])
        return {pairs[row[0]][0] for row in cursor.fetchall()}


def matching_ids(*, document: Any, ids: Collection[int], now: datetime) -> set[int]:
    """Of these primary keys of the definition's subject, those that it holds for."""
    definition = parse.as_definition(document)
    statement = new_statement(definition, now=now)
    alias = definition.subject[0]
    condition = compile_node(definition.root, scope_of(statement, definition.subject, alias, whole=False))
    select = with_sets(
        statement,
        sql(
            f"SELECT {alias}.id FROM {everyone(definition.subject, alias)} AND {alias}.id = ANY({{}}) AND ({{}})",
            bind(list(ids), "bigint[]"),
            condition,
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(select.text, select.params)
        return {row[0] for row in cursor.fetchall()}
