"""Whom a condition is judged for while the statement is written, and the two shapes a condition can take.

*Whole*: a condition over all accounts (or contacts) is `id IN (SELECT …)`, a set that does not depend on the
row at hand; PostgreSQL makes it once and hashes it. *Row by row*: the same facts looked up by the row's own id
through an index, for a handful of rows. Both say the same; the caller knows how many rows there are.
"""

# ruff: noqa: S608  (what is formatted into statements are our own aliases; values are always bound)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from campaigns.segments.nodes import Definition, Subject
from campaigns.segments.sql import Sql, both, sql


@dataclass(slots=True)
class Statement:
    """What the pieces of one statement share. `sets` are its WITH parts: each referenced segment once."""

    now: datetime
    meters: Mapping[str, int]
    topics: Mapping[str, bool]
    segments: Mapping[str, Definition]
    campaign: str | None = None
    sets: dict[str, tuple[str, Sql]] = field(default_factory=dict)
    aliases: int = 0
    written: int = 0

    def alias(self, letter: str) -> str:
        self.aliases += 1
        return f"{letter}{self.aliases}"


@dataclass(frozen=True, slots=True)
class Scope:
    """`account` and `contact` are aliases of rows in reach, None where that side is not bound.

    `since` is a column with the moment from which on somebody waits for what is asked: an event without a window of its
    own counts from then on, and one of the account that names no contact happened to all of its contacts.
    """

    statement: Statement
    whole: bool
    account: str | None = None
    contact: str | None = None
    since: str | None = None

    @property
    def now(self) -> datetime:
        return self.statement.now


@dataclass(frozen=True, slots=True)
class Facts:
    """Rows that belong to an account, a contact or both: `account` and `contact` are the columns that say to whom.
    `is_shared`: with both bound, what is the account's alone is the contact's, too."""

    source: Sql
    where: Sequence[Sql]
    account: str | None = None
    contact: str | None = None
    is_shared: bool = False


def current_row(alias: str) -> str:
    return f"{alias}.merged_into_id IS NULL AND {alias}.erased_at IS NULL"


def has_facts(scope: Scope, facts: Facts, *, having: Sql | None = None) -> Sql:
    """There are such facts for whoever is bound; with `having`, and taken together they fulfil it.

    Row by row, `having` also judges no facts at all; as a set it can't, for a set holds only ids that occur.
    """
    keys = _keys(scope, facts)
    if not scope.whole:
        same = [Sql(f"{column} = {alias}.id") for alias, column in keys]
        if facts.is_shared and len(keys) == 2:
            same[1] = Sql(f"({same[1].text} OR {facts.contact} IS NULL)")
        tail = sql(" HAVING {}", having) if having else Sql("")
        return sql("EXISTS (SELECT 1 FROM {} WHERE {}{})", facts.source, both([*same, *facts.where]), tail)
    columns = ", ".join(column for _, column in keys)
    known = [Sql(f"{column} IS NOT NULL") for _, column in keys]
    tail = sql(f" GROUP BY {columns} HAVING {{}}", having) if having else Sql("")
    ids = ", ".join(f"{alias}.id" for alias, _ in keys)
    inside = sql(f"SELECT {columns} FROM {{}} WHERE {{}}{{}}", facts.source, both([*facts.where, *known]), tail)
    return sql(f"({ids}) IN ({{}})", inside)


def _keys(scope: Scope, facts: Facts) -> list[tuple[str, str]]:
    sides = ((scope.account, facts.account), (scope.contact, facts.contact))
    keys = [(alias, column) for alias, column in sides if alias and column]
    assert keys, "Facts are judged for somebody."
    return keys


def hop(scope: Scope, side: Subject, write: Callable[[Scope], Sql], *, keep: bool) -> Sql:
    """Some contact (account) of the one that is bound fulfils what `write` says of it.

    `keep`: the one that is bound stays bound inside. Merged and erased ones are nobody's.
    """
    here, there = ("account", "contact") if side == "contact" else ("contact", "account")
    outer = getattr(scope, here)
    join, other = scope.statement.alias("m"), scope.statement.alias(there[0])
    inner_here = scope.statement.alias(here[0]) if scope.whole else outer
    kept = inner_here if keep else None
    account, contact = (kept, other) if side == "contact" else (other, kept)
    inside = write(replace(scope, account=account, contact=contact))
    source = (
        f"profiles_membership {join} JOIN profiles_{there} {other}"
        f" ON {other}.id = {join}.{there}_id AND {current_row(other)}"
    )
    if not scope.whole:
        return sql(f"EXISTS (SELECT 1 FROM {source} WHERE {join}.{here}_id = {outer}.id AND {{}})", inside)
    if keep and f"{inner_here}." in inside.text:
        source += f" JOIN profiles_{here} {inner_here} ON {inner_here}.id = {join}.{here}_id"
    return sql(f"{outer}.id IN (SELECT {join}.{here}_id FROM {source} WHERE {{}})", inside)
