"""What a definition means, said a second time in plain Python over plain values.

Written from the text of the interface, reads the raw JSON document and shares nothing with the compiler:
where the two disagree on any generated world, one of them is wrong.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

HOURS = {"h": 1, "d": 24, "w": 168}


@dataclass
class World:
    now: datetime
    accounts: list[dict[str, Any]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    members: list[tuple[int, int, str]] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    quotas: dict[tuple[str, str], Decimal | None] = field(default_factory=dict)
    daily: dict[tuple[int, str, date], Decimal] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    crossings: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    consents: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    segments: dict[str, dict[str, Any]] = field(default_factory=dict)


def matching(world: World, document: dict[str, Any]) -> list[int]:
    """Indexes of the subjects that match."""
    judge = _Judge(world)
    if document.get("subject", "account") == "account":
        return [i for i, row in enumerate(world.accounts) if not row["gone"] and judge.holds(document, i, None)]
    return [i for i, row in enumerate(world.contacts) if not row["gone"] and judge.holds(document, None, i)]


def holds_for_pair(world: World, document: dict[str, Any], account: int, contact: int) -> bool:
    return _Judge(world).holds(document, account, contact)


class _Judge:
    def __init__(self, world: World) -> None:
        self.world = world

    def holds(self, node: dict[str, Any], account: int | None, contact: int | None) -> bool:
        if "all" in node:
            return all(self.holds(child, account, contact) for child in node["all"])
        if "any" in node:
            return any(self.holds(child, account, contact) for child in node["any"])
        if "not" in node:
            return not self.holds(node["not"], account, contact)
        if "any_contact" in node:
            return any(self.holds(node["any_contact"], account, one) for one in self.contacts(account, contact))
        if "any_account" in node:
            return any(self.holds(node["any_account"], one, contact) for one in self.accounts(account, contact))
        if "segment" in node:
            return self._in_segment(self.world.segments[node["segment"]], account, contact)
        if "event" in node or "engagement" in node or node.get("field", "").startswith("membership."):
            return self._of_both(node, account, contact)
        if "consent" in node or node.get("field", "").startswith("contact."):
            return any(self._of_contact(node, one) for one in self.contacts(account, contact))
        return any(self._of_account(node, one) for one in self.accounts(account, contact))

    def contacts(self, account: int | None, contact: int | None) -> list[int]:
        if contact is not None:
            return [contact]
        return [c for a, c, _ in self.world.members if a == account and not self.world.contacts[c]["gone"]]

    def accounts(self, account: int | None, contact: int | None) -> list[int]:
        if account is not None:
            return [account]
        return [a for a, c, _ in self.world.members if c == contact and not self.world.accounts[a]["gone"]]

    def _in_segment(self, document: dict[str, Any], account: int | None, contact: int | None) -> bool:
        if document.get("subject", "account") == "account":
            mine = self.accounts(account, contact)
            return any(self.holds(document, one, None) for one in mine if not self.world.accounts[one]["gone"])
        people = self.contacts(account, contact)
        return any(self.holds(document, None, one) for one in people if not self.world.contacts[one]["gone"])

    def _of_both(self, node: dict[str, Any], account: int | None, contact: int | None) -> bool:
        def is_theirs(row: dict[str, Any]) -> bool:
            return (account is None or row["account"] == account) and (contact is None or row["contact"] == contact)

        if "field" in node:
            roles = [
                role
                for a, c, role in self.world.members
                if is_theirs({"account": a, "contact": c})
                and (account is not None or not self.world.accounts[a]["gone"])
                and (contact is not None or not self.world.contacts[c]["gone"])
            ]
            return any(self.compare(role, node) for role in roles)
        if "event" in node:
            rows = [row for row in self.world.events if is_theirs(row) and row["name"] == node["event"]]
            rows = [row for row in rows if all(self._property(row, test) for test in node.get("where", []))]
            times = [row["at"] for row in rows]
        else:
            times = [row["facts"][node["engagement"]] for row in self._messages(node) if is_theirs(row)]
        counted = sum(1 for at in times if self._in_window(at, node))
        return self.compare(counted, node.get("count", {"op": ">=", "value": 1}))

    def _messages(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            row
            for row in self.world.messages
            if row["purpose"] != "TEST"
            and node["engagement"] in row["facts"]
            and all(node.get(key, row[key]) == row[key] for key in ("campaign", "step", "channel"))
        ]

    def _property(self, row: dict[str, Any], test: dict[str, Any]) -> bool:
        return self.compare(dig(row["properties"], test["property"]), test)

    def _in_window(self, at: datetime, node: dict[str, Any]) -> bool:
        if at > self.world.now:
            return False
        return "window" not in node or at >= self.world.now - span(node["window"])

    def _of_contact(self, node: dict[str, Any], contact: int) -> bool:
        if "consent" in node:
            told = [
                row
                for row in self.world.consents
                if row["contact"] == contact
                and row["channel"] == node["consent"]
                and row["topic"] in (node["topic"], "")
                and row["at"] <= self.world.now
            ]
            newest = max(told, key=lambda row: (row["at"], row["state"] == "WITHDRAWN"), default=None)
            return (newest["state"].lower() if newest else "unknown") == node["is"]
        row, name = self.world.contacts[contact], node["field"].removeprefix("contact.")
        if name == "email" and "value" in node:
            wanted = node["value"]
            lowered = [one.lower() for one in wanted] if isinstance(wanted, list) else wanted.lower()
            return self.compare(row["email"].lower(), {**node, "value": lowered})
        return self.compare(dig(row, name), node)

    def _of_account(self, node: dict[str, Any], account: int) -> bool:
        row = self.world.accounts[account]
        if node.get("field") == "account.plan":
            return self._of_account({**node, "field": "", "subscription": "plan"}, account)
        if "subscription" in node:
            current = self.current(account)
            return self.compare(current and self._subscription(current, node["subscription"]), node)
        if "field" in node:
            return self.compare(dig(row, node["field"].removeprefix("account.")), node)
        if "usage" in node:
            return self.compare(self._usage(node, account), node)
        if "crossing" in node:
            return any(self._crossed(one, node) for one in self.world.crossings if one["account"] == account)
        if "score" in node:
            told = [s for s in self.world.scores if s["account"] == account and s["kind"] == node["score"]]
            told = [s for s in told if s["at"] <= self.world.now]
            return self.compare(max(told, key=lambda s: s["at"])["value"] if told else None, node)
        low, high = node["percent"]
        digest = hashlib.sha256(f"bucket:{node['bucket']}:{row['external_id']}".encode()).digest()
        share = Fraction(int.from_bytes(digest[:8], "big") * 100, 2**64)
        return Fraction(str(low)) <= share < Fraction(str(high))

    def current(self, account: int) -> dict[str, Any] | None:
        running = [
            one
            for one in self.world.subscriptions
            if one["account"] == account
            and one["status"] in ("TRIALING", "ACTIVE", "PAST_DUE")
            and one["started_at"] <= self.world.now
            and (one["ended_at"] is None or self.world.now < one["ended_at"])
        ]
        running.sort(key=lambda one: one["external_id"])
        running.sort(key=lambda one: one["started_at"], reverse=True)
        running.sort(key=lambda one: 0 if one["status"] == "TRIALING" else one["mrr"], reverse=True)
        return running[0] if running else None

    def _subscription(self, current: dict[str, Any], name: str) -> Any:
        if name == "age":
            return self.world.now - current["started_at"]
        if name == "renewal_in":
            when = None if current["cancel_scheduled"] else current["renews_at"]
        elif name == "trial_ends_in":
            when = current["trial_ends_at"]
        else:
            return current[name]
        return when - self.world.now if when and when >= self.world.now else None

    def _crossed(self, row: dict[str, Any], node: dict[str, Any]) -> bool:
        stands = row["contradicted_at"] is None or row["contradicted_at"] > self.world.now
        return (
            stands
            and row["meter"] == node["crossing"]
            and row["level"] == node["level"]
            and self._in_window(row["at"], node)
        )

    def _usage(self, node: dict[str, Any], account: int) -> Fraction | None:
        today = self.world.now.astimezone(UTC).date()
        days = span(node["window"]).days if "window" in node else None
        value = self._aggregate(node, account, today, days)
        if "per" not in node or value is None:
            return value
        if node["per"] == "previous":
            assert days is not None
            divisor = self._aggregate(node, account, today - timedelta(days=days), days)
        else:
            current = self.current(account)
            limit = self.world.quotas.get((current["plan"], node["usage"])) if current else None
            divisor = None if limit is None else Fraction(limit)
        return value / divisor if divisor is not None and divisor > 0 else None

    def _aggregate(self, node: dict[str, Any], account: int, last: date, days: int | None) -> Fraction | None:
        first = date.min if days is None else last - timedelta(days=days - 1)
        rows = sorted(
            (day, Fraction(value))
            for (owner, meter, day), value in self.world.daily.items()
            if owner == account and meter == node["usage"] and first <= day <= last
        )
        values = [value for _, value in rows]
        if not values:
            return None
        return {
            "sum": sum(values, Fraction(0)),
            "avg": sum(values, Fraction(0)) / len(values),
            "min": min(values),
            "max": max(values),
            "last": values[-1],
        }[node["agg"]]

    def compare(self, given: Any, test: dict[str, Any]) -> bool:
        op, wanted = test["op"], test.get("value", "")
        missing = given is None or given in ("", [])
        if op == "is_set":
            return not missing
        if op == "is_not_set":
            return missing
        if missing:
            return False
        if op in ("before", "after", "within") or (op == "between" and isinstance(wanted[0], str)):
            return self._compare_moments(given, op, wanted)
        if op in ("=", "in"):
            return any(same(given, one) for one in (wanted if op == "in" else [wanted]))
        if op in ("!=", "not_in"):
            others = wanted if op == "not_in" else [wanted]
            return kind(given) == kind(others[0]) and not any(same(given, one) for one in others)
        if op == "contains":
            if isinstance(given, list):
                return any(same(one, wanted) for one in given)
            return isinstance(given, str) and isinstance(wanted, str) and wanted in given
        if op in ("starts_with", "ends_with"):
            whole = isinstance(given, str)
            return whole and (given.startswith(wanted) if op == "starts_with" else given.endswith(wanted))
        return self._compare_sizes(given, op, wanted)

    def _compare_sizes(self, given: Any, op: str, wanted: Any) -> bool:
        if isinstance(given, timedelta):
            wanted = [span(one) for one in wanted] if op == "between" else span(wanted)
        elif kind(given) == "number":
            given = exact(given)
            wanted = [exact(one) for one in wanted] if op == "between" else exact(wanted)
        else:
            return False
        if op == "between":
            return bool(wanted[0] <= given <= wanted[1])
        return {"<": given < wanted, "<=": given <= wanted, ">": given > wanted, ">=": given >= wanted}[op]

    def _compare_moments(self, given: Any, op: str, wanted: Any) -> bool:
        if isinstance(given, timedelta):
            return self._compare_sizes(given, op, wanted)
        at = given if isinstance(given, datetime) else moment(given)
        if at is None:
            return False
        if op == "within":
            return self.world.now - span(wanted) <= at <= self.world.now
        ends = [moment(one) for one in (wanted if op == "between" else [wanted])]
        first, last = ends[0], ends[-1]
        assert first is not None
        assert last is not None
        return {"before": at < first, "after": at > first, "between": first <= at <= last}[op]


def dig(row: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        row = row.get(key) if isinstance(row, dict) else None
    return row


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal | Fraction):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "list"
    return "object" if isinstance(value, dict) else "other"


def same(left: Any, right: Any) -> bool:
    if kind(left) != kind(right):
        return False
    return exact(left) == exact(right) if kind(left) == "number" else bool(left == right)


def exact(value: Any) -> Fraction:
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


def span(text: str) -> timedelta:
    return timedelta(hours=int(text[:-1]) * HOURS[text[-1]])


def moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    shape = r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?"
    if not re.fullmatch(shape, text, re.ASCII):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
