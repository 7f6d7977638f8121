"""The grammar of definitions: a document in, nodes out. Pure: names are looked up in `names`.

Every object has exactly one head and only the keys that belong to it. The limits are part of the
grammar: 10 groups deep, 200 conditions, texts of 1,000 characters, lists of 1,000.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any as AnyValue

from campaigns.segments import conditions, nodes
from campaigns.segments.errors import DefinitionError
from campaigns.segments.opened import Opened, open_object
from campaigns.segments.values import LIST_LIMIT, name_type

DEPTH_LIMIT = 10
CONDITIONS_LIMIT = 200


@dataclass(slots=True)
class _Reading:
    in_branch: bool
    conditions: int = 0


def read_definition(document: AnyValue, *, in_branch: bool = False) -> nodes.Definition:
    """`in_branch`: an engagement's `step` may stand without `campaign`, and means the campaign's own."""
    opened = open_object(document, "", "A definition")
    subject = "account"
    if "subject" in opened.keys:
        subject = opened.take("subject")
        if subject not in ("account", "contact"):
            raise DefinitionError("subject", "The subject is account or contact.")
    root = _read_opened(opened, _Reading(in_branch), depth=0)
    return nodes.Definition(subject, root)  # type: ignore[arg-type]


def _read_node(given: AnyValue, path: str, reading: _Reading, depth: int) -> nodes.Node:
    return _read_opened(open_object(given, path, "A condition"), reading, depth)


def _read_opened(opened: Opened, reading: _Reading, depth: int) -> nodes.Node:
    head = _head_of(opened)
    if head in _GROUPS:
        if depth == DEPTH_LIMIT:
            raise DefinitionError(opened.path, f"Groups are nested more than {DEPTH_LIMIT} deep.")
        node = _GROUPS[head](opened, reading, depth + 1)
    else:
        reading.conditions += 1
        if reading.conditions > CONDITIONS_LIMIT:
            raise DefinitionError(opened.path, f"A definition has at most {CONDITIONS_LIMIT} conditions.")
        node = conditions.READERS[head](opened, reading.in_branch)
    opened.refuse_rest(f"{head} conditions")
    return node


def _head_of(opened: Opened) -> str:
    heads = [key for key in opened.keys if key in _GROUPS or key in conditions.READERS]
    if len(heads) > 1:
        raise DefinitionError(opened.path, f"A condition has one head; this has {' and '.join(heads)}.")
    if heads:
        return heads[0]
    if opened.keys == ("subject",):
        raise DefinitionError("subject", "The subject stands at the root only.")
    known = ", ".join([*_GROUPS, *conditions.READERS])
    raise DefinitionError(opened.path, f"A condition is one of {known}; this is none of them.")


def _read_children(opened: Opened, head: str, reading: _Reading, depth: int) -> tuple[nodes.Node, ...]:
    given = opened.take(head)
    path = opened.at(head)
    if not isinstance(given, list | tuple):
        raise DefinitionError(path, f"Expected a list of conditions, got {name_type(given)}.")
    if len(given) > LIST_LIMIT:
        raise DefinitionError(path, f"Lists have at most {LIST_LIMIT:,} elements; this has {len(given):,}.")
    return tuple(_read_node(child, f"{path}[{index}]", reading, depth) for index, child in enumerate(given))


def _read_all(opened: Opened, reading: _Reading, depth: int) -> nodes.Node:
    return nodes.All(_read_children(opened, "all", reading, depth), opened.path)


def _read_any(opened: Opened, reading: _Reading, depth: int) -> nodes.Node:
    return nodes.Any(_read_children(opened, "any", reading, depth), opened.path)


def _read_not(opened: Opened, reading: _Reading, depth: int) -> nodes.Node:
    return nodes.Not(_read_node(opened.take("not"), opened.at("not"), reading, depth), opened.path)


def _read_any_contact(opened: Opened, reading: _Reading, depth: int) -> nodes.Node:
    child = _read_node(opened.take("any_contact"), opened.at("any_contact"), reading, depth)
    return nodes.AnyContact(child, opened.path)


def _read_any_account(opened: Opened, reading: _Reading, depth: int) -> nodes.Node:
    child = _read_node(opened.take("any_account"), opened.at("any_account"), reading, depth)
    return nodes.AnyAccount(child, opened.path)


_GROUPS: dict[str, Callable[[Opened, _Reading, int], nodes.Node]] = {
    "all": _read_all,
    "any": _read_any,
    "not": _read_not,
    "any_contact": _read_any_contact,
    "any_account": _read_any_account,
}
