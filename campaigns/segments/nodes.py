"""A segment definition as values: what the parser makes and the compiler reads. Nothing here is unchecked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Subject = Literal["account", "contact"]


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Truth:
    value: bool


@dataclass(frozen=True, slots=True)
class Date:
    """`text` is what was written, with its zone made explicit; PostgreSQL reads it."""

    text: str


@dataclass(frozen=True, slots=True)
class Duration:
    """A whole number of hours, days (24 h) or weeks, as written in `text`."""

    text: str
    hours: int


Value = Number | Text | Truth | Date | Duration


@dataclass(frozen=True, slots=True)
class Comparison:
    """`op` and its values: none for `is_set` and `is_not_set`, two for `between`, any number for lists."""

    op: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class All:
    children: tuple[Node, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Any:
    children: tuple[Node, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Not:
    child: Node
    path: str


@dataclass(frozen=True, slots=True)
class AnyContact:
    child: Node
    path: str


@dataclass(frozen=True, slots=True)
class AnyAccount:
    child: Node
    path: str


@dataclass(frozen=True, slots=True)
class Field:
    """`owner` is account, contact or membership; `keys` walk into the traits, and are empty for columns."""

    owner: str
    name: str
    keys: tuple[str, ...]
    comparison: Comparison
    path: str

    @property
    def full_name(self) -> str:
        return ".".join((self.owner, *(("traits", *self.keys) if self.keys else (self.name,))))


@dataclass(frozen=True, slots=True)
class Usage:
    meter: str
    agg: str
    days: int | None
    per: str | None
    comparison: Comparison
    path: str


@dataclass(frozen=True, slots=True)
class PropertyTest:
    keys: tuple[str, ...]
    comparison: Comparison
    path: str


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    window: Duration | None
    where: tuple[PropertyTest, ...]
    count: Comparison
    path: str


@dataclass(frozen=True, slots=True)
class Crossing:
    meter: str
    level: int
    window: Duration
    path: str


@dataclass(frozen=True, slots=True)
class SubscriptionTest:
    name: str
    comparison: Comparison
    path: str


@dataclass(frozen=True, slots=True)
class ScoreTest:
    kind: str
    comparison: Comparison
    path: str


@dataclass(frozen=True, slots=True)
class Engagement:
    fact: str
    campaign: str | None
    step: str | None
    channel: str | None
    window: Duration | None
    count: Comparison
    path: str


@dataclass(frozen=True, slots=True)
class Consent:
    channel: str
    topic: str
    state: str
    path: str


@dataclass(frozen=True, slots=True)
class SegmentRef:
    slug: str
    path: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """`low` ≤ x < `high`, in percent."""

    name: str
    low: Decimal
    high: Decimal
    path: str


Group = All | Any | Not | AnyContact | AnyAccount
Condition = Field | Usage | Event | Crossing | SubscriptionTest | ScoreTest | Engagement | Consent | SegmentRef | Bucket
Node = Group | Condition


@dataclass(frozen=True, slots=True)
class Definition:
    subject: Subject
    root: Node


def children_of(node: Node) -> tuple[Node, ...]:
    if isinstance(node, All | Any):
        return node.children
    if isinstance(node, Not | AnyContact | AnyAccount):
        return (node.child,)
    return ()


def walk(node: Node) -> list[Node]:
    """The node and all below it, parents first, in the order they are written."""
    found = [node]
    for child in children_of(node):
        found.extend(walk(child))
    return found
