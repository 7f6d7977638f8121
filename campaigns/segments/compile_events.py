"""Conditions that count rows of the past: events that came in, and what happened to messages."""

from __future__ import annotations

from datetime import datetime

from campaigns.segments import predicates
from campaigns.segments.comparing import AT_LEAST_ONE
from campaigns.segments.compile_fields import json_at
from campaigns.segments.nodes import Comparison, Duration, Engagement, Event, Number
from campaigns.segments.scopes import Facts, Scope, has_facts
from campaigns.segments.sql import Sql, bind, negate, sql

# Clicks (and opens) are stored on the message only when graded human; a conversion where it is credited to it.
_FACT_COLUMNS = {
    "sent": "accepted_at",
    "delivered": "delivered_at",
    "opened": "opened_at",
    "clicked": "clicked_at",
    "replied": "replied_at",
    "dismissed": "dismissed_at",
    "unsubscribed": "unsubscribed_at",
    "complained": "complained_at",
    "converted": "converted_at",
}


def compile_event(node: Event, scope: Scope) -> Sql:
    where = conditions_of(node, scope.now)
    if scope.since is not None and node.window is None:
        where.append(Sql(f"e.at >= {scope.since}"))
    facts = Facts(
        Sql("usage_usageevent e"),
        where,
        account="e.account_id",
        contact="e.contact_id",
        is_shared=scope.since is not None,
    )
    return _count(scope, facts, node.count)


def conditions_of(node: Event, now: datetime) -> list[Sql]:
    """What a row `e` of usage_usageevent must fulfil to be counted, whoever it belongs to."""
    return [
        sql("e.name = {}", bind(node.name, "text")),
        *_in_window("e.at", node.window, now),
        *(predicates.compare_json(json_at("e.properties", test.keys), test.comparison, now) for test in node.where),
    ]


def compile_engagement(node: Engagement, scope: Scope) -> Sql:
    """Counts messages, each once. Test sends are nobody's."""
    column = _FACT_COLUMNS[node.fact]
    where = [Sql("g.purpose <> 'TEST'"), *_in_window(f"g.{column}", node.window, scope.now)]
    campaign = node.campaign or (scope.statement.campaign if node.step else None)
    for name, wanted in (("origin_campaign", campaign), ("origin_step", node.step), ("channel", node.channel)):
        if wanted:
            where.append(sql(f"g.{name} = {{}}", bind(wanted, "text")))
    facts = Facts(Sql("delivery_message g"), where, account="g.account_id", contact="g.contact_id")
    return _count(scope, facts, node.count)


def _in_window(column: str, window: Duration | None, now: datetime) -> list[Sql]:
    """What is later than now has not happened."""
    until = sql(f"{column} <= {{}}", predicates.moment(now))
    if window is None:
        return [until]
    return [until, sql(f"{column} >= {{}}", predicates.begin_of(window, now))]


def _count(scope: Scope, facts: Facts, count: Comparison) -> Sql:
    """None at all is 0. A set holds only ids that occur, so that a count which 0 fulfils is written as its opposite."""
    if count == AT_LEAST_ONE:
        return has_facts(scope, facts)
    test = predicates.compare_number(Sql("count(*)"), count)
    if scope.whole and _holds(0, count):
        return negate(has_facts(scope, facts, having=negate(test)))
    return has_facts(scope, facts, having=test)


def _holds(number: int, count: Comparison) -> bool:
    wanted = [value.value for value in count.values if isinstance(value, Number)]
    return {
        "=": lambda: number == wanted[0],
        "!=": lambda: number != wanted[0],
        "<": lambda: number < wanted[0],
        "<=": lambda: number <= wanted[0],
        ">": lambda: number > wanted[0],
        ">=": lambda: number >= wanted[0],
        "between": lambda: wanted[0] <= number <= wanted[1],
    }[count.op]()
