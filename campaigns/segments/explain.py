"""Why somebody matches: which lines of the definition hold for them, and the figures behind each."""

# ruff: noqa: S608  (what is formatted into statements are our own aliases; values are always bound)
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from campaigns.segments import figures, nodes, parse, sessions, words
from campaigns.segments.compile import (
    compile_node,
    compile_segment,
    everyone,
    new_statement,
    scope_of,
    with_sets,
)
from campaigns.segments.sql import bind, sql


@dataclass(frozen=True, slots=True)
class Sampled:
    """One who matches; `why` pairs the sentence of each line that holds with its figures, empty where it has none;
    `about` names what each of these lines is about, which before figures says enough."""

    pk: int
    external_id: str
    name: str
    contacts: int
    why: list[tuple[str, str]]
    about: list[str] = field(default_factory=list)


def sample(*, document: Any, now: datetime, limit: int = 10, draw: str = "") -> list[Sampled]:
    """Some who match, drawn at random by `draw`: the same text draws the same ones. Raises DefinitionError."""
    compiled = compile_segment(document, now=now)
    with sessions.bounded(seconds=sessions.PREVIEW_SECONDS, read_only=True), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT matched.id FROM ({compiled.sql}) matched ORDER BY md5(matched.id::text || %s::text) LIMIT %s",
            [*compiled.params, draw, limit],
        )
        chosen = [row[0] for row in cursor.fetchall()]
        return explain(document=document, ids=chosen, now=now) if chosen else []


def explain(*, document: Any, ids: Sequence[int], now: datetime) -> list[Sampled]:
    """The same for given primary keys of the definition's subject, in that order. Who does not match has the
    lines that hold all the same."""
    definition = parse.as_definition(document)
    lines = _reasons(definition.root)
    holding = _holding(definition, lines, ids, now)
    told = words.Names.load()
    sentences = [words.sentence(node, names=told, subject=definition.subject) for node in lines]
    labels = [words.label(node, names=told) for node in lines]
    shown = [figures.figures_of(node, definition.subject, ids, now) for node in lines]
    rows = []
    for pk, external_id, name, contacts, holds in holding:
        why = [
            (sentence, values.get(pk, ""))
            for sentence, values, is_so in zip(sentences, shown, holds, strict=True)
            if is_so
        ]
        about = [label for label, is_so in zip(labels, holds, strict=True) if is_so]
        if not why:
            why, about = [(_("Everyone"), "")], [_("Everyone")]
        rows.append(Sampled(pk, external_id, name or external_id, contacts, why, about))
    place = {pk: index for index, pk in enumerate(ids)}
    return sorted(rows, key=lambda row: place[row.pk])


def which_hold(
    *, lines: Sequence[nodes.Node], account_ids: Sequence[int], now: datetime
) -> dict[int, tuple[bool, ...]]:
    """By account, whether each line holds for it, as if it stood alone in a definition of accounts."""
    everybody = nodes.Definition(subject="account", root=nodes.All(children=(), path=""))
    return {row[0]: row[4] for row in _holding(everybody, lines, account_ids, now)}


def _reasons(node: nodes.Node) -> list[nodes.Node]:
    """The conditions of the definition; what is negated or bound to one contact is told as a whole."""
    if isinstance(node, nodes.All | nodes.Any):
        return [line for child in node.children for line in _reasons(child)]
    return [node]


def _holding(
    definition: nodes.Definition, lines: Sequence[nodes.Node], ids: Sequence[int], now: datetime
) -> list[tuple[int, str, str, int, tuple[bool, ...]]]:
    statement = new_statement(definition, now=now)
    subject = definition.subject
    alias = subject[0]
    scope = scope_of(statement, subject, alias, whole=False)
    name = "a.name" if subject == "account" else "trim(c.first_name || ' ' || c.last_name)"
    other = "contact" if subject == "account" else "account"
    columns = [compile_node(node, scope) for node in lines]
    select = sql(
        f"SELECT {alias}.id, {alias}.external_id, {name},"
        f" (SELECT count(*) FROM profiles_membership m JOIN profiles_{other} o ON o.id = m.{other}_id"
        f" AND o.merged_into_id IS NULL AND o.erased_at IS NULL WHERE m.{subject}_id = {alias}.id)"
        + "".join(", ({})" for _ in columns)
        + f" FROM {everyone(subject, alias)} AND {alias}.id = ANY({{}})",
        *columns,
        bind(list(ids), "bigint[]"),
    )
    whole = with_sets(statement, select)
    with connection.cursor() as cursor:
        cursor.execute(whole.text, whole.params)
        return [(row[0], row[1], row[2], row[3], row[4:]) for row in cursor.fetchall()]
