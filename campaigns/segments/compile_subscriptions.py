"""Conditions on the current subscription, and what others need of it."""

from __future__ import annotations

from campaigns.segments import predicates
from campaigns.segments.nodes import Comparison, SubscriptionTest
from campaigns.segments.scopes import Facts, Scope, has_facts
from campaigns.segments.sql import Sql, both, negate, sql
from campaigns.usage import current_plan

_TEXTS = {"plan": "p.code", "status": "s.status", "interval": 's."interval"'}
_NUMBERS = {"mrr": "s.mrr", "quantity": "s.quantity"}


def compile_subscription(node: SubscriptionTest, scope: Scope) -> Sql:
    """No current subscription: everything about it is missing."""
    comparison = node.comparison
    if comparison.op == "is_not_set":
        return negate(compile_subscription(SubscriptionTest(node.name, Comparison("is_set"), node.path), scope))
    source = "billing_subscription s"
    if node.name == "plan":
        source += " JOIN billing_plan p ON p.id = s.plan_id"
    facts = Facts(Sql(source), [_test(node, scope), is_current(scope)], account="s.account_id")
    return has_facts(scope, facts)


def is_current(scope: Scope) -> Sql:
    """On the alias `s` of billing_subscription."""
    now = scope.now
    running = Sql(current_plan.is_running("s"), (now, now))
    return both([running, Sql(current_plan.is_best("s", "rival"), (now, now))])


def _test(node: SubscriptionTest, scope: Scope) -> Sql:
    name, comparison = node.name, node.comparison
    if name in _TEXTS:
        return predicates.compare_text(Sql(_TEXTS[name]), comparison)
    if name in _NUMBERS:
        return predicates.compare_number(Sql(_NUMBERS[name]), comparison)
    if name == "cancel_scheduled":
        return predicates.compare_truth(Sql("s.cancel_scheduled"), comparison)
    return predicates.compare_duration(_duration(name, scope), comparison)


def _duration(name: str, scope: Scope) -> Sql:
    now = predicates.moment(scope.now)
    if name == "age":
        return sql("EXTRACT(EPOCH FROM {} - s.started_at)", now)
    column = "s.renews_at" if name == "renewal_in" else "s.trial_ends_at"
    still = " AND NOT s.cancel_scheduled" if name == "renewal_in" else ""
    return sql(
        f"(CASE WHEN {column} >= {{}}{still} THEN EXTRACT(EPOCH FROM {column} - {{}}) END)",
        now,
        now,
    )
