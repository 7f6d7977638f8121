"""Conditions on usage: an aggregate of daily values, alone, against the quota, or against the days before."""

# ruff: noqa: S608  (what is formatted into statements are our own aliases; values are always bound)

from __future__ import annotations

from datetime import UTC, date, timedelta

from campaigns.segments import compile_subscriptions, predicates
from campaigns.segments.nodes import Comparison, Crossing, Usage
from campaigns.segments.scopes import Facts, Scope, has_facts
from campaigns.segments.sql import Sql, bind, both, negate, sql

# Numerator and divisor of each aggregate: an average is never divided out (see predicates.compare_number).
_AGGREGATES = {
    "sum": ("sum(d.value)", "1"),
    "avg": ("sum(d.value)", "count(*)"),
    "min": ("min(d.value)", "1"),
    "max": ("max(d.value)", "1"),
}


def compile_usage(node: Usage, scope: Scope) -> Sql:
    if node.comparison.op == "is_not_set":
        known = Usage(node.meter, node.agg, node.days, node.per, Comparison("is_set"), node.path)
        return negate(compile_usage(known, scope))
    today = scope.now.astimezone(UTC).date()
    first = None if node.days is None else today - timedelta(days=node.days - 1)
    source = sql("({}) u", _aggregate(node, scope, first, today))
    top, per = Sql("u.top"), Sql("u.per")
    where = [Sql("u.top IS NOT NULL")]
    if node.per == "quota":
        source = sql(
            "{} JOIN billing_subscription s ON s.account_id = u.account_id"
            " JOIN billing_quota q ON q.plan_id = s.plan_id AND q.meter = {}",
            source,
            bind(node.meter, "text"),
        )
        where += [compile_subscriptions.is_current(scope), Sql('q."limit" > 0')]
        per = Sql('(u.per * q."limit")')
    elif node.per == "previous":
        assert first is not None and node.days is not None
        before = _aggregate(node, scope, first - timedelta(days=node.days), first - timedelta(days=1))
        source = sql("{} JOIN ({}) v ON v.account_id = u.account_id", source, before)
        where.append(Sql("v.top > 0"))
        top, per = Sql("(u.top * v.per)"), Sql("(u.per * v.top)")
    where.append(predicates.compare_number(top, node.comparison, per=per))
    # The aggregate already looks at the bound account alone when it goes row by row.
    if not scope.whole:
        return sql("EXISTS (SELECT 1 FROM {} WHERE {})", source, both(where))
    return has_facts(scope, Facts(source, where, account="u.account_id"))


def _aggregate(node: Usage, scope: Scope, first: date | None, last: date) -> Sql:
    """Rows of account_id, top and per; of accounts with a value in the days, or (row by row) of the one bound."""
    where = [
        sql("d.meter_id = {}", bind(scope.statement.meters[node.meter], "bigint")),
        sql("d.day <= {}", bind(last, "date")),
    ]
    if first is not None:
        where.append(sql("d.day >= {}", bind(first, "date")))
    if node.agg == "last":
        return _last(scope, where)
    top, per = _AGGREGATES[node.agg]
    if scope.whole:
        return sql(
            f"SELECT d.account_id, {top} AS top, {per} AS per FROM usage_usagedaily d WHERE {{}} GROUP BY d.account_id",
            both(where),
        )
    own = Sql(f"d.account_id = {scope.account}.id")
    return sql(
        f"SELECT {scope.account}.id AS account_id, {top} AS top, {per} AS per FROM usage_usagedaily d WHERE {{}}",
        both([own, *where]),
    )


def _last(scope: Scope, where: list[Sql]) -> Sql:
    """The newest value, found through the index: one step an account, whatever is kept."""
    owner = scope.statement.alias("a") if scope.whole else scope.account
    newest = sql(
        "SELECT d.value FROM usage_usagedaily d WHERE {} ORDER BY d.day DESC LIMIT 1",
        both([Sql(f"d.account_id = {owner}.id"), *where]),
    )
    if scope.whole:
        return sql(
            f"SELECT {owner}.id AS account_id, newest.value AS top, 1 AS per"
            f" FROM profiles_account {owner} CROSS JOIN LATERAL ({{}}) newest",
            newest,
        )
    return sql(f"SELECT {owner}.id AS account_id, newest.value AS top, 1 AS per FROM ({{}}) newest", newest)


def compile_crossing(node: Crossing, scope: Scope) -> Sql:
    """A crossing that was taken back after `now` still stands at `now`."""
    now = predicates.moment(scope.now)
    where = [
        sql("t.meter_id = {}", bind(scope.statement.meters[node.meter], "bigint")),
        sql("t.level = {}", bind(node.level, "int")),
        sql("t.at BETWEEN {} AND {}", predicates.begin_of(node.window, scope.now), now),
        sql("(t.contradicted_at IS NULL OR t.contradicted_at > {})", now),
    ]
    return has_facts(scope, Facts(Sql("usage_thresholdcrossing t"), where, account="t.account_id"))
