"""The rules of a segment or a question as a form: groups within groups, read from a definition or from what was posted.

What the form has no sentence for becomes a row of kind `kept`: the condition travels through the form as it is. What
is read from a definition and not changed is written back exactly as it stood.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from campaigns.console.forms.catalogue import Catalogue
from campaigns.console.forms.facts import Document
from campaigns.console.forms.sentence import RuleError, Values
from campaigns.segments.errors import DefinitionError

MODES = ("all", "any", "none", "not_all")
NEGATIVE = ("none", "not_all")
# For whom a group holds together: one and the same person (account), or nobody (no account) at all.
BONDS = ("contact", "no_contact", "account", "no_account")
RULE, GROUP, KEPT = "rule", "group", "kept"
# More than any definition of the grammar can make: 200 conditions, each in ten groups of its own.
ROWS_LIMIT = 2_200
# Rows within rows; the grammar's 10 levels, and the outermost group where a definition is one condition.
DEPTH_LIMIT = 11
NEW_RULE = "account.plan"
# In a group about one person: something that is hers alone.
PERSONS_RULE = "membership.role"


@dataclass(slots=True)
class Row:
    """`said` is a kept condition in words. `path` is where its condition stands in the definition, None while it
    stands in none. `refused` is what the grammar has against a line that is filled in rightly. `is_bare`: a group
    whose only condition is written without a list around it. The last lines say where the row may go."""

    id: int
    kind: str
    fact: str = ""
    values: Values = field(default_factory=dict)
    mode: str = "any"
    rows: list[Row] = field(default_factory=list)
    document: Any = None
    bond: str = ""
    is_bare: bool = False
    path: str | None = None
    refused: str = ""
    error: str = ""
    error_field: str = ""
    is_unfinished: bool = False
    alone: str = ""
    said: str = ""
    depth: int = 1
    goes_into: str = ""
    goes_out: bool = False
    takes_group: bool = False
    takes_bond: str = ""

    @property
    def document_text(self) -> str:
        return document_text(self.document)


@dataclass(slots=True)
class Tree:
    """The outermost group."""

    subject: str = "account"
    mode: str = "all"
    rows: list[Row] = field(default_factory=list)
    is_bare: bool = False
    takes_group: bool = True
    takes_bond: str = ""

    @property
    def bond(self) -> str:
        return ""

    def all_rows(self) -> Iterator[Row]:
        for row, _group, _place in walk(self):
            yield row

    def errors(self) -> list[Row]:
        return [row for row in self.all_rows() if row.error]

    def next_id(self) -> int:
        return max((row.id for row in self.all_rows()), default=0) + 1

    def find(self, row_id: int) -> tuple[Group, int] | None:
        """The group that holds the row, and its place there."""
        return next(((group, place) for row, group, place in walk(self) if row.id == row_id), None)


Group = Tree | Row


def walk(group: Group) -> Iterator[tuple[Row, Group, int]]:
    """Every row below with the group that holds it and its place there, in the order of the page."""
    for place, row in enumerate(group.rows):
        yield row, group, place
        yield from walk(row)


def from_definition(definition: Document, catalogue: Catalogue) -> Tree:
    """A single condition is shown as a group of one."""
    document = {key: value for key, value in definition.items() if key != "subject"}
    tree = Tree(subject=definition.get("subject", "account"))
    opened = None if catalogue.read(document) else _open_list(document) or _open(document, catalogue)
    if opened is None or opened.bond:
        opened = _Opened("", "all", True, [document])
    tree.mode, tree.is_bare = opened.mode, opened.is_bare
    numbers = iter(range(1, 100_000))
    tree.rows = [_row_of(child, catalogue, numbers) for child in opened.children]
    return tree


def _row_of(document: Document, catalogue: Catalogue, numbers: Iterator[int]) -> Row:
    number = next(numbers)
    found = catalogue.read(document)
    if found is not None:
        return Row(number, RULE, fact=found[0].key, values=found[1])
    opened = _open(document, catalogue)
    if opened is None:
        return Row(number, KEPT, document=document)
    rows = [_row_of(child, catalogue, numbers) for child in opened.children]
    return Row(number, GROUP, mode=opened.mode, bond=opened.bond, is_bare=opened.is_bare, rows=rows)


@dataclass(frozen=True, slots=True)
class _Opened:
    bond: str
    mode: str
    is_bare: bool
    children: list[Document]


def _open(document: Document, catalogue: Catalogue) -> _Opened | None:
    """A group and what is in it; None for a condition, and for an empty list, which as a group would be unfinished."""
    bond, inner = _bond_of(document)
    if bond:
        listed = None if catalogue.read(inner) else _open_list(inner)
        if listed and listed.children:
            return _Opened(bond, listed.mode, False, listed.children)
        return _Opened(bond, "all", True, [inner])
    listed = _open_list(document)
    if listed:
        return listed if listed.children else None
    inner = document.get("not", {})
    if set(document) == {"not"} and (catalogue.read(inner) or _open(inner, catalogue)):
        return _Opened("", "none", True, [inner])
    return None


def _bond_of(document: Document) -> tuple[str, Document]:
    inner, prefix = (document["not"], "no_") if set(document) == {"not"} else (document, "")
    for head, bond in (("any_contact", "contact"), ("any_account", "account")):
        if set(inner) == {head}:
            return prefix + bond, inner[head]
    return "", {}


def _open_list(document: Document) -> _Opened | None:
    """All, any, none of these (`{"not": {"any": […]}}`), not all of these."""
    negated = set(document) == {"not"}
    inner = document["not"] if negated else document
    modes = {"any": "none", "all": "not_all"} if negated else {"any": "any", "all": "all"}
    head = next(iter(inner)) if len(inner) == 1 else ""
    return _Opened("", modes[head], False, inner[head]) if head in modes else None


def from_post(data: QueryDict, catalogue: Catalogue) -> Tree:
    """Rows come as repeated `row` fields in the order of the page, those inside a group as `GROUP/ROW`."""
    tree = Tree(subject="contact" if data.get("subject") == "contact" else "account")
    tree.mode = _one_of(MODES, data.get("mode", ""), "all")
    tree.is_bare = data.get("bare") == "1"
    groups: dict[str, tuple[Group, int]] = {"": (tree, 0)}
    for name in data.getlist("row")[:ROWS_LIMIT]:
        parent, _slash, number = name.rpartition("/")
        if not number.isdecimal() or len(number) > 6 or parent not in groups:
            continue
        group, depth = groups[parent]
        row = _posted_row(data, number, catalogue)
        if row.kind == GROUP and depth < DEPTH_LIMIT:
            groups[number] = row, depth + 1
        group.rows.append(row)
    return tree


def _posted_row(data: QueryDict, number: str, catalogue: Catalogue) -> Row:
    prefix = f"{number}."
    kind = data.get(f"{prefix}kind", RULE)
    alone = data.get(f"{prefix}alone", "")[:20]
    if kind == GROUP:
        row = Row(int(number), GROUP, mode=_one_of(MODES, data.get(f"{prefix}mode", ""), "any"), alone=alone)
        row.bond = _one_of(BONDS, data.get(f"{prefix}bond", ""), "")
        row.is_bare = data.get(f"{prefix}bare") == "1"
        return row
    if kind == KEPT:
        return Row(int(number), KEPT, document=_kept(data.get(f"{prefix}document", "")), alone=alone)
    fact = catalogue.get(data.get(f"{prefix}fact", NEW_RULE))
    if data.get(f"{prefix}was") != fact.key:
        return Row(int(number), RULE, fact=fact.key, values=fact.blank())
    posted = {key.removeprefix(prefix): data.getlist(key) for key in data if key.startswith(prefix)}
    values = {key: found for key, found in posted.items() if key not in ("kind", "fact", "was", "alone")}
    return Row(int(number), RULE, fact=fact.key, values=values, alone=alone)


def _one_of(known: Sequence[str], asked: str, otherwise: str) -> str:
    return asked if asked in known else otherwise


def _kept(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def to_definition(tree: Tree, catalogue: Catalogue) -> Document:
    """The definition of what is filled in rightly. Sets `path` and `error` of every row: what has an error is left
    out. Groups in which nothing is left are left out too: an empty one would change what the others mean."""
    made = _wrap(tree, _write_rows(tree, catalogue, ""))
    return {"subject": "contact", **made} if tree.subject == "contact" else made


def _write_rows(group: Group, catalogue: Catalogue, path: str) -> list[Document]:
    made: list[Document] = []
    *heads, listed = heads_of(group)
    bare = _stands_bare(group)
    for row in group.rows:
        place = ".".join(filter(None, (path, *heads, "" if bare else f"{listed}[{len(made)}]")))
        row.path, row.error, row.error_field, row.is_unfinished = None, row.refused, "", False
        try:
            condition = None if row.refused else _condition(row, catalogue, place)
        except RuleError as error:
            row.error, row.error_field, row.is_unfinished = error.message, error.field, error.is_missing
            continue
        if condition is not None:
            row.path = place
            made.append(condition)
    return made


def _condition(row: Row, catalogue: Catalogue, path: str) -> Document:
    if row.kind == RULE:
        return catalogue.get(row.fact).write(row.values)
    if row.kind == KEPT:
        if not isinstance(row.document, dict):
            raise RuleError("document", _("This line was damaged on its way. Load the page again."))
        return row.document
    inner = _write_rows(row, catalogue, path)
    if not inner:
        raise RuleError("mode", _("This group has no rule that can be used. Add one or remove it."), is_missing=True)
    return _wrap(row, inner)


def heads_of(group: Group) -> list[str]:
    """The keys that lead from where a group is written to the list of what is in it: its levels of the grammar."""
    heads = ["not"] if group.bond.startswith("no_") else []
    if group.bond:
        heads.append(f"any_{group.bond.removeprefix('no_')}")
    if group.mode in NEGATIVE:
        heads.append("not")
    return [*heads, {"none": "any", "not_all": "all"}.get(group.mode, group.mode)]


def _stands_bare(group: Group) -> bool:
    """One condition without a list around it, where something else still makes it a group."""
    made_a_group = isinstance(group, Tree) or group.bond or group.mode in NEGATIVE
    return bool(group.is_bare and len(group.rows) == 1 and made_a_group)


def _wrap(group: Group, conditions: Sequence[Document]) -> Document:
    *heads, listed = heads_of(group)
    bare = _stands_bare(group) and len(conditions) == 1
    made: Document = conditions[0] if bare else {listed: list(conditions)}
    for head in reversed(heads):
        made = {head: made}
    return made


def place_error(tree: Tree, error: DefinitionError) -> bool:
    """Put an error of the grammar to the row whose condition it is about, which is left out from then on; False when
    it is about none."""
    holding = [row for row in tree.all_rows() if row.path is not None and _is_within(error.path, row.path)]
    if not holding:
        return False
    row = max(holding, key=lambda row: len(row.path or ""))
    row.refused = error.message
    return True


def _is_within(path: str, outer: str) -> bool:
    return not outer or path == outer or path.startswith((f"{outer}.", f"{outer}["))


def document_text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, default=str)
