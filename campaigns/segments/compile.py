"""A definition as one parametrised SELECT of primary keys.

Every node becomes a condition that is true or false, never NULL. Conditions have an owner (the account,
the contact, or both); where the owner is not bound, the condition holds if it holds for any of those that
belong to the one who is, each condition by itself. `any_contact` and `any_account` bind one for all that is
inside them; bound already, they change nothing. With both bound, conditions owned by both (events,
engagement, membership) read the rows that belong to both. A segment means the same set everywhere: its
definition is judged for its own subject alone, whatever else is bound around it. Where somebody waits for an event,
one of the account that names no contact happened to every contact there (`Scope.since`).
"""

# ruff: noqa: S608  (what is formatted into statements are our own aliases; values are always bound)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any as AnyValue

from campaigns.segments import (
    compile_consent,
    compile_events,
    compile_fields,
    compile_subscriptions,
    compile_usage,
    names,
    nodes,
    parse,
)
from campaigns.segments.errors import DefinitionError
from campaigns.segments.scopes import Scope, Statement, current_row, hop
from campaigns.segments.sql import Sql, both, either, negate, sql

# Row by row, referenced segments are written out where they stand; far more than any real chain needs.
WRITTEN_OUT_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Compiled:
    """`sql` selects one column, `id`: the primary keys of `subject` rows, each once."""

    sql: str
    params: tuple[AnyValue, ...]
    subject: nodes.Subject


def compile_segment(document: AnyValue, *, now: datetime) -> Compiled:
    """`document` is a definition as JSON text, parsed JSON, or already read. Raises DefinitionError."""
    definition = parse.as_definition(document)
    statement = new_statement(definition, now=now)
    alias = definition.subject[0]
    condition = compile_node(definition.root, scope_of(statement, definition.subject, alias, whole=True))
    select = sql(f"SELECT {alias}.id FROM {everyone(definition.subject, alias)} AND ({{}})", condition)
    whole = with_sets(statement, select)
    return Compiled(whole.text, whole.params, definition.subject)


def new_statement(definition: nodes.Definition, *, now: datetime, campaign: str | None = None) -> Statement:
    found = names.look_up(definition)
    return Statement(now=now, meters=found.meters, topics=found.topics, segments=found.segments, campaign=campaign)


def scope_of(statement: Statement, subject: nodes.Subject, alias: str, *, whole: bool) -> Scope:
    if subject == "account":
        return Scope(statement, whole, account=alias)
    return Scope(statement, whole, contact=alias)


def everyone(subject: nodes.Subject, alias: str) -> str:
    """FROM and WHERE of all accounts (contacts) that stand: neither merged nor erased."""
    return f"profiles_{subject} {alias} WHERE {current_row(alias)}"


def with_sets(statement: Statement, select: Sql) -> Sql:
    """The statement with the referenced segments in front, each written once and before it is used."""
    if not statement.sets:
        return select
    parts = [sql(f"{name} AS ({{}})", body) for name, body in statement.sets.values()]
    return sql("WITH " + ", ".join("{}" for _ in parts) + " {}", *parts, select)


def compile_node(node: nodes.Node, scope: Scope) -> Sql:
    if isinstance(node, nodes.All):
        return both(compile_node(child, scope) for child in node.children)
    if isinstance(node, nodes.Any):
        return either(compile_node(child, scope) for child in node.children)
    if isinstance(node, nodes.Not):
        return negate(compile_node(node.child, scope))
    if isinstance(node, nodes.AnyContact | nodes.AnyAccount):
        return _bind_one(node, scope)
    return _compile_condition(node, scope)


def _bind_one(node: nodes.AnyContact | nodes.AnyAccount, scope: Scope) -> Sql:
    side: nodes.Subject = "contact" if isinstance(node, nodes.AnyContact) else "account"
    if getattr(scope, side) is not None:
        return compile_node(node.child, scope)
    return hop(scope, side, lambda inner: compile_node(node.child, inner), keep=True)


def _compile_condition(node: nodes.Condition, scope: Scope) -> Sql:
    scope.statement.written += 1
    if scope.statement.written > WRITTEN_OUT_LIMIT:
        raise DefinitionError(node.path, "The segments that this names, written out, are too many conditions.")
    if isinstance(node, nodes.SegmentRef):
        return _compile_reference(node, scope)
    write = _WRITERS[type(node)]
    side = owner_of(node)
    if side is not None and getattr(scope, side) is None:
        return hop(scope, side, lambda inner: write(node, inner), keep=False)
    return write(node, scope)


def owner_of(node: nodes.Condition) -> nodes.Subject | None:
    """None: both."""
    if isinstance(node, nodes.Event | nodes.Engagement):
        return None
    if isinstance(node, nodes.Consent):
        return "contact"
    if isinstance(node, nodes.Field):
        return {"account": "account", "contact": "contact"}.get(node.owner)  # type: ignore[return-value]
    return "account"


def _compile_reference(node: nodes.SegmentRef, scope: Scope) -> Sql:
    definition = scope.statement.segments[node.slug]
    side = definition.subject
    if getattr(scope, side) is None:
        return hop(scope, side, lambda inner: _is_member(node.slug, definition, inner), keep=False)
    return _is_member(node.slug, definition, scope)


def _is_member(slug: str, definition: nodes.Definition, scope: Scope) -> Sql:
    """The side of the segment's subject is bound."""
    statement, subject = scope.statement, definition.subject
    alias = getattr(scope, subject)
    if not scope.whole:
        alone = replace(scope, account=None, contact=None, since=None)
        inside = compile_node(definition.root, replace(alone, **{subject: alias}))
        return sql(f"({current_row(alias)} AND {{}})", inside)
    if slug not in statement.sets:
        own = statement.alias(subject[0])
        condition = compile_node(definition.root, scope_of(statement, subject, own, whole=True))
        body = sql(f"SELECT {own}.id FROM {everyone(subject, own)} AND ({{}})", condition)
        statement.sets[slug] = (statement.alias("segment_"), body)
    return Sql(f"{alias}.id IN (SELECT id FROM {statement.sets[slug][0]})")


_WRITERS: dict[type, Callable[[AnyValue, Scope], Sql]] = {
    nodes.Field: compile_fields.compile_field,
    nodes.ScoreTest: compile_fields.compile_score,
    nodes.Bucket: compile_fields.compile_bucket,
    nodes.SubscriptionTest: compile_subscriptions.compile_subscription,
    nodes.Usage: compile_usage.compile_usage,
    nodes.Crossing: compile_usage.compile_crossing,
    nodes.Event: compile_events.compile_event,
    nodes.Engagement: compile_events.compile_engagement,
    nodes.Consent: compile_consent.compile_consent,
}
