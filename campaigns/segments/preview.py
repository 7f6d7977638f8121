"""How many, whom, how reachable and why: questions a marketer asks of a definition before using it.

Everything runs in a read-only transaction with a time limit; `sessions.SegmentTooSlow` says that it was too much.
"""

# ruff: noqa: S608  (what is formatted into statements are our own aliases; values are always bound)
from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.consent import selectors as consent_selectors
from campaigns.consent.models import ConsentTopic
from campaigns.segments import explain, nodes, parse, sessions
from campaigns.segments.compile import (
    compile_node,
    compile_segment,
    everyone,
    new_statement,
    scope_of,
    with_sets,
)
from campaigns.segments.sql import Sql, sql

CHANNELS = ("email", "in_app", "sms")
_REACHED = "REACHED"


@dataclass(frozen=True, slots=True)
class Preview:
    """`count` of `base` subjects match; `contacts` are their people. `reachable` counts those who may be
    written to by channel, `not_reachable` the others by channel and reason (NO_ADDRESS, BOUNCED, OPTED_OUT,
    NO_CONSENT): the two sum to `contacts`. `unreachable` of them can't be reached on any channel."""

    count: int
    base: int
    milliseconds: int
    contacts: int = 0
    reachable: Mapping[str, int] = field(default_factory=dict)
    not_reachable: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unreachable: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    count: int
    milliseconds: int


def count_members(*, document: Any, now: datetime) -> Counted:
    """The count alone. Raises DefinitionError."""
    compiled = compile_segment(document, now=now)
    began = time.perf_counter()
    with sessions.bounded(seconds=sessions.PREVIEW_SECONDS, read_only=True):
        found = _rows(f"SELECT count(*) FROM ({compiled.sql}) matched", compiled.params)[0][0]
    return Counted(found, _milliseconds(began))


def count_beside_all(*, document: Any, now: datetime) -> tuple[int, int]:
    """How many match, of how many. Raises DefinitionError."""
    counted = count_members(document=document, now=now)
    return counted.count, _base(parse.as_definition(document).subject)


def count(*, document: Any, now: datetime, topic: str = "offers") -> Preview:
    """The count and who of them may be written to about `topic`, from one statement. Raises DefinitionError."""
    compiled = compile_segment(document, now=now)
    rule = ConsentTopic.objects.filter(slug=topic).first()
    if rule is None:
        counted = count_members(document=document, now=now)
        return Preview(counted.count, _base(compiled.subject), counted.milliseconds)
    statement = _reach(Sql(compiled.sql, compiled.params), compiled.subject, rule)
    began = time.perf_counter()
    with sessions.bounded(seconds=sessions.PREVIEW_SECONDS, read_only=True):
        rows = _rows(statement.text, statement.params)
        base = _base(compiled.subject)
    return _summed(rows, base, _milliseconds(began))


def ids(*, document: Any, now: datetime) -> list[str]:
    """Primary external ids of those who match, sorted by code point. Raises DefinitionError."""
    compiled = compile_segment(document, now=now)
    with sessions.bounded(seconds=sessions.PREVIEW_SECONDS, read_only=True):
        rows = _rows(
            f"SELECT o.external_id FROM ({compiled.sql}) matched JOIN profiles_{compiled.subject} o"
            ' ON o.id = matched.id ORDER BY o.external_id COLLATE "C"',
            compiled.params,
        )
    return [row[0] for row in rows]


def sample(*, document: Any, now: datetime, limit: int = 10, draw: str = "") -> list[explain.Sampled]:
    """Some who match, with the reasons: `explain.sample`."""
    return explain.sample(document=document, now=now, limit=limit, draw=draw)


def count_lines(*, document: Any, now: datetime) -> list[tuple[str, int]]:
    """How many match each node by itself, as (path, count) from the root down, by one pass over everyone.

    What stands inside `any_contact` (`any_account`) is counted as if it stood in one of its own.
    """
    definition = parse.as_definition(document)
    statement = new_statement(definition, now=now)
    alias = definition.subject[0]
    scope = scope_of(statement, definition.subject, alias, whole=True)
    lines = lines_of(definition.root)
    columns = [sql("count(*) FILTER (WHERE {})", compile_node(node, scope)) for node in lines]
    select = sql(
        "SELECT " + ", ".join("{}" for _ in columns) + f" FROM {everyone(definition.subject, alias)}", *columns
    )
    whole = with_sets(statement, select)
    with sessions.bounded(seconds=sessions.PREVIEW_SECONDS, read_only=True):
        counts = _rows(whole.text, whole.params)[0]
    return [(node.path, found) for node, found in zip(lines, counts, strict=True)]


def lines_of(node: nodes.Node, *, around: Sequence[type[nodes.AnyContact | nodes.AnyAccount]] = ()) -> list[nodes.Node]:
    """The node and everything below it, each judged for the subject by itself. `around` is what binds them."""
    bound: nodes.Node = node
    for kind in reversed(around):
        bound = kind(bound, node.path)
    if isinstance(node, nodes.AnyContact | nodes.AnyAccount):
        around = [*around, type(node)]
    return [bound, *(line for child in nodes.children_of(node) for line in lines_of(child, around=around))]


def _base(subject: nodes.Subject) -> int:
    return int(_rows(f"SELECT count(*) FROM {everyone(subject, 'o')}", ())[0][0])


_ADDRESSES = {
    "email": ("point.address_hash = people.email_hash", "people.email_hash IS NOT NULL"),
    "sms": ("point.address_hash = people.phone_hash", "people.phone_hash IS NOT NULL"),
    "in_app": ("point.contact_id = people.id", "TRUE"),
}


def _reach(matched: Sql, subject: nodes.Subject, topic: ConsentTopic) -> Sql:
    """Rows of three verdicts (by CHANNELS) and how many people have them; first a row with the count itself."""
    via = "JOIN profiles_membership m ON m.account_id = matched.id" if subject == "account" else ""
    key = "m.contact_id" if subject == "account" else "matched.id"
    verdicts = [_verdict(channel, topic) for channel in CHANNELS]
    joins = " ".join(
        f"LEFT JOIN consent_contactpoint {channel} ON {channel}.channel = '{channel}' AND"
        f" {_ADDRESSES[channel][0].replace('point.', f'{channel}.')}"
        for channel in CHANNELS
    )
    return sql(
        f"""WITH matched AS MATERIALIZED ({{}}),
        people AS (
            SELECT c.id, c.email_hash, c.phone_hash FROM profiles_contact c
             WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL
               AND c.id IN (SELECT {key} FROM matched {via})
        )
        SELECT NULL, NULL, NULL, count(*) FROM matched
        UNION ALL
        SELECT email, in_app, sms, count(*) FROM (
            SELECT {{}} AS email, {{}} AS in_app, {{}} AS sms FROM people {joins}
        ) verdicts GROUP BY 1, 2, 3""",
        matched,
        *verdicts,
    )


def _verdict(channel: str, topic: ConsentTopic) -> Sql:
    """The same rule that sending applies (`consent.selectors`), with the reason when it says no."""
    permitted = _positional(
        consent_selectors.permitted_sql(point=channel), consent_selectors.permitted_params(topic=topic)
    )
    unasked = not topic.is_marketing or channel in topic.permitted_without_record
    return sql(
        f"""CASE WHEN NOT {_ADDRESSES[channel][1]} THEN 'NO_ADDRESS'
            WHEN {channel}.id IS NULL THEN '{_REACHED if unasked else "NO_CONSENT"}'
            WHEN {{}} THEN '{_REACHED}'
            WHEN {channel}.is_dead OR {channel}.reason = 'BOUNCED' THEN 'BOUNCED'
            WHEN {channel}.is_blocked OR {channel}.is_held OR {channel}.topics ->> {{}} = 'WITHDRAWN' THEN 'OPTED_OUT'
            ELSE 'NO_CONSENT' END""",
        permitted,
        Sql("%s::text", (topic.slug,)),
    )


def _positional(text: str, params: Mapping[str, Any]) -> Sql:
    names = re.findall(r"%\((\w+)\)s", text)
    return Sql(re.sub(r"%\(\w+\)s", "%s", text), tuple(params[name] for name in names))


def _summed(rows: list[tuple[Any, ...]], base: int, milliseconds: int) -> Preview:
    people = rows[1:]
    reachable = dict.fromkeys(CHANNELS, 0)
    missed: dict[str, dict[str, int]] = {channel: {} for channel in CHANNELS}
    for row in people:
        for channel, verdict in zip(CHANNELS, row, strict=False):
            if verdict == _REACHED:
                reachable[channel] += row[3]
            else:
                missed[channel][verdict] = missed[channel].get(verdict, 0) + row[3]
    return Preview(
        count=rows[0][3],
        base=base,
        milliseconds=milliseconds,
        contacts=sum(row[3] for row in people),
        reachable=reachable,
        not_reachable=missed,
        unreachable=sum(row[3] for row in people if _REACHED not in row[:3]),
    )


def _rows(statement: str, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def _milliseconds(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
