"""Conditions on what an account or a contact is: columns, traits, roles, scores and the random bucket."""

# ruff: noqa: S608  (what is formatted into statements are our own aliases; values are always bound)

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from campaigns.segments import compile_subscriptions, predicates
from campaigns.segments.nodes import Bucket, Comparison, Field, ScoreTest, SubscriptionTest
from campaigns.segments.scopes import Facts, Scope, current_row, has_facts
from campaigns.segments.sql import FALSE, Sql, bind, both, negate, sql

_COLUMNS = {"timezone": "time_zone"}
_ALL = 2**64


def compile_field(node: Field, scope: Scope) -> Sql:
    """The side the field belongs to is bound."""
    if node.owner == "membership":
        return _compile_role(node, scope)
    if node.full_name == "account.plan":
        return compile_subscriptions.compile_subscription(SubscriptionTest("plan", node.comparison, node.path), scope)
    alias = scope.account if node.owner == "account" else scope.contact
    assert alias is not None
    if node.keys:
        return predicates.compare_json(json_at(f"{alias}.traits", node.keys), node.comparison, scope.now)
    if node.name == "created_at":
        return predicates.compare_date(Sql(f"{alias}.created_at"), node.comparison, scope.now)
    column = Sql(f"{alias}.{_COLUMNS.get(node.name, node.name)}")
    if node.name == "email":
        column = sql("lower({})", column)
    return predicates.compare_text(column, node.comparison)


def json_at(column: str, keys: tuple[str, ...]) -> Sql:
    """Walks into objects only: `-> text` finds nothing in a list."""
    found = Sql(column)
    for key in keys:
        found = sql("({} -> {})", found, bind(key, "text"))
    return found


def _compile_role(node: Field, scope: Scope) -> Sql:
    """A membership of whoever is bound; of both when both are."""
    join = scope.statement.alias("m")
    source = f"profiles_membership {join}"
    for side, alias in (("account", scope.account), ("contact", scope.contact)):
        if alias is None:
            other = scope.statement.alias(side[0])
            source += f" JOIN profiles_{side} {other} ON {other}.id = {join}.{side}_id AND {current_row(other)}"
    where = [predicates.compare_text(Sql(f"{join}.role"), node.comparison)]
    return has_facts(scope, Facts(Sql(source), where, f"{join}.account_id", f"{join}.contact_id"))


def compile_score(node: ScoreTest, scope: Scope) -> Sql:
    """The newest score of the kind; of two at the same time the one written later."""
    if node.comparison.op == "is_not_set":
        return negate(compile_score(ScoreTest(node.kind, Comparison("is_set"), node.path), scope))
    alias = scope.statement.alias("s")
    where = [
        sql(f"{alias}.kind = {{}}", bind(node.kind, "text")),
        sql(f"{alias}.at <= {{}}", predicates.moment(scope.now)),
    ]
    return newest_fulfils(
        scope,
        Facts(Sql(f"profiles_score {alias}"), where, account=f"{alias}.account_id"),
        newest_first=f"{alias}.at DESC, {alias}.id DESC",
        test=predicates.compare_number(Sql(f"{alias}.value"), node.comparison),
    )


def newest_fulfils(scope: Scope, facts: Facts, *, newest_first: str, test: Sql) -> Sql:
    """Of each one's facts the first by `newest_first` fulfils `test`, which reads the same columns."""
    key = facts.account or facts.contact
    bound = scope.account if facts.account else scope.contact
    if scope.whole:
        newest = sql(
            f"SELECT DISTINCT ON ({key}) {key} AS id, {{}} AS fulfils FROM {{}} WHERE {{}}"
            f" ORDER BY {key}, {newest_first}",
            test,
            facts.source,
            both(facts.where),
        )
        alias = scope.statement.alias("n")
        return sql(f"{bound}.id IN (SELECT {alias}.id FROM ({{}}) {alias} WHERE {alias}.fulfils)", newest)
    return sql(
        f"COALESCE((SELECT {{}} FROM {{}} WHERE {{}} ORDER BY {newest_first} LIMIT 1), FALSE)",
        test,
        facts.source,
        both([Sql(f"{key} = {bound}.id"), *facts.where]),
    )


def compile_bucket(node: Bucket, scope: Scope) -> Sql:
    """Big-endian bytes compare as the number they are, so that the limits are turned into bytes, exactly."""
    assert scope.account is not None
    digest = sql(
        f"substring(sha256(convert_to({{}} || {scope.account}.external_id, 'UTF8')) FROM 1 FOR 8)",
        bind(f"bucket:{node.name}:", "text"),
    )
    low, high = _threshold(node.low), _threshold(node.high)
    if low == _ALL:
        return FALSE
    tests = [sql("{} >= {}", digest, bind(low.to_bytes(8, "big"), "bytea"))]
    if high < _ALL:
        tests.append(sql("{} < {}", digest, bind(high.to_bytes(8, "big"), "bytea")))
    return both(tests)


def _threshold(percent: Decimal) -> int:
    """The smallest number of eight bytes whose share of 2**64 is at least the percentage."""
    return math.ceil(Fraction(percent) * _ALL / 100)
