"""The rules of a segment as a form: two levels of groups, read from a definition or from what was posted.

What the form can't edit (deeper groups, conditions it has no sentence for) becomes a row of kind `kept`: the
condition travels through the form as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from campaigns.console.forms.catalogue import Catalogue
from campaigns.console.forms.facts import Document
from campaigns.console.forms.sentence import RuleError, Values
from campaigns.segments.errors import DefinitionError

MODES = ("all", "any", "none")
RULE, GROUP, KEPT = "rule", "group", "kept"
# Far more than anybody reads; the grammar's own limit is 200 conditions.
ROWS_LIMIT = 250
NEW_RULE = "account.plan"


@dataclass(slots=True)
class Row:
    """`said` is a kept condition in words. `path` is where its condition stands in the definition, empty while it
    stands in none. `refused` is what the grammar has against a line that is filled in rightly."""

    id: int
    kind: str
    fact: str = ""
    values: Values = field(default_factory=dict)
    mode: str = "any"
    rows: list[Row] = field(default_factory=list)
    document: Any = None
    path: str = ""
    refused: str = ""
    error: str = ""
    error_field: str = ""
    is_unfinished: bool = False
    alone: str = ""
    said: str = ""

    @property
    def document_text(self) -> str:
        return document_text(self.document)


@dataclass(slots=True)
class Tree:
    subject: str = "account"
    mode: str = "all"
    rows: list[Row] = field(default_factory=list)

    def all_rows(self) -> Iterator[Row]:
        for row in self.rows:
            yield row
            yield from row.rows

    def errors(self) -> list[Row]:
        return [row for row in self.all_rows() if row.error]

    def next_id(self) -> int:
        return max((row.id for row in self.all_rows()), default=0) + 1

    def find(self, row_id: int) -> tuple[list[Row], int] | None:
        """The list that holds the row, and its place there."""
        for rows in (self.rows, *(row.rows for row in self.rows)):
            for place, row in enumerate(rows):
                if row.id == row_id:
                    return rows, place
        return None


def from_definition(definition: Document, catalogue: Catalogue) -> Tree:
    """A single condition is shown as a group of one, which means the same."""
    document = {key: value for key, value in definition.items() if key != "subject"}
    tree = Tree(subject=definition.get("subject", "account"))
    opened = _open_group(document)
    tree.mode, children = opened if opened and catalogue.read(document) is None else ("all", [document])
    numbers = iter(range(1, 10_000))
    tree.rows = [_row_of(child, catalogue, numbers, depth=1) for child in children]
    return tree


def _row_of(document: Document, catalogue: Catalogue, numbers: Iterator[int], *, depth: int) -> Row:
    number = next(numbers)
    found = catalogue.read(document)
    if found is not None:
        return Row(number, RULE, fact=found[0].key, values=found[1])
    opened = _open_group(document)
    if opened is None or depth > 1:
        return Row(number, KEPT, document=document)
    mode, children = opened
    rows = [_row_of(child, catalogue, numbers, depth=depth + 1) for child in children]
    return Row(number, GROUP, mode=mode, rows=rows)


def _open_group(document: Document) -> tuple[str, list[Document]] | None:
    """(all, any or none, the conditions inside); none of these is written `{"not": {"any": […]}}`."""
    if set(document) == {"not"} and isinstance(document["not"], dict) and set(document["not"]) == {"any"}:
        return "none", document["not"]["any"]
    if set(document) in ({"all"}, {"any"}):
        mode = next(iter(document))
        return mode, document[mode]
    return None


def from_post(data: QueryDict, catalogue: Catalogue) -> Tree:
    """Rows come as repeated `row` fields in the order of the page, those inside a group as `GROUP/ROW`."""
    tree = Tree(subject="contact" if data.get("subject") == "contact" else "account")
    tree.mode = data.get("mode", "all") if data.get("mode") in MODES else "all"
    groups: dict[str, Row] = {}
    for name in data.getlist("row")[:ROWS_LIMIT]:
        parent, _slash, number = name.rpartition("/")
        if not number.isdigit() or len(number) > 6 or (parent and parent not in groups):
            continue
        row = _posted_row(data, number, catalogue)
        if row.kind == GROUP and not parent:
            groups[number] = row
        (groups[parent].rows if parent else tree.rows).append(row)
    return tree


def _posted_row(data: QueryDict, number: str, catalogue: Catalogue) -> Row:
    prefix = f"{number}."
    kind = data.get(f"{prefix}kind", RULE)
    alone = data.get(f"{prefix}alone", "")[:20]
    if kind == GROUP:
        mode = data.get(f"{prefix}mode", "any")
        return Row(int(number), GROUP, mode=mode if mode in MODES else "any", alone=alone)
    if kind == KEPT:
        return Row(int(number), KEPT, document=_kept(data.get(f"{prefix}document", "")), alone=alone)
    fact = catalogue.get(data.get(f"{prefix}fact", NEW_RULE))
    if data.get(f"{prefix}was") != fact.key:
        return Row(int(number), RULE, fact=fact.key, values=fact.blank())
    posted = {key.removeprefix(prefix): data.getlist(key) for key in data if key.startswith(prefix)}
    values = {key: found for key, found in posted.items() if key not in ("kind", "fact", "was", "alone")}
    return Row(int(number), RULE, fact=fact.key, values=values, alone=alone)


def _kept(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def to_definition(tree: Tree, catalogue: Catalogue) -> Document:
    """The definition of what is filled in rightly. Sets `path` and `error` of every row: what has an error is left
    out. Groups in which nothing is left are left out too: an empty one would change what the others mean."""
    conditions: list[Document] = []
    for row in tree.rows:
        _write_row(row, catalogue, f"{_inside(tree.mode)}[{len(conditions)}]", conditions)
    made = _wrap(tree.mode, conditions)
    return {"subject": "contact", **made} if tree.subject == "contact" else made


def _write_row(row: Row, catalogue: Catalogue, path: str, into: list[Document]) -> None:
    row.path, row.error, row.error_field, row.is_unfinished = "", row.refused, "", False
    if row.refused:
        return
    try:
        condition = _condition(row, catalogue, path)
    except RuleError as error:
        row.error, row.error_field, row.is_unfinished = error.message, error.field, error.is_missing
        return
    row.path = path
    into.append(condition)


def _condition(row: Row, catalogue: Catalogue, path: str) -> Document:
    if row.kind == RULE:
        return catalogue.get(row.fact).write(row.values)
    if row.kind == KEPT:
        if not isinstance(row.document, dict):
            raise RuleError("document", _("This line was damaged on its way. Load the page again."))
        return row.document
    inner: list[Document] = []
    for child in row.rows:
        _write_row(child, catalogue, f"{path}.{_inside(row.mode)}[{len(inner)}]", inner)
    if not inner:
        raise RuleError("mode", _("This group has no rule that can be used. Add one or remove it."), is_missing=True)
    return _wrap(row.mode, inner)


def _inside(mode: str) -> str:
    return "not.any" if mode == "none" else mode


def _wrap(mode: str, conditions: Sequence[Document]) -> Document:
    return {"not": {"any": list(conditions)}} if mode == "none" else {mode: list(conditions)}


def place_error(tree: Tree, error: DefinitionError) -> bool:
    """Put an error of the grammar to the row whose condition it is about, which is left out from then on; False when
    it is about none."""
    holding = [row for row in tree.all_rows() if row.path and _is_within(error.path, row.path)]
    if not holding:
        return False
    row = max(holding, key=lambda row: len(row.path))
    row.refused = error.message
    return True


def _is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def document_text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Change:
    """What an action did: which row to go on at, and what was taken away, as a button's value that brings it back."""

    focus: int | None = None
    removed: Row | None = None
    undo: str = ""


def act(tree: Tree, action: str, catalogue: Catalogue) -> Change:
    """Do what a button asks (`add`, `add 2`, `add-group`, `up 3`, `down 3`, `copy 3`, `remove 3`, `drop 3 basic`,
    `back 0 1 {…}`). An action on a row that is gone, or an unknown one, changes nothing."""
    name, _space, rest = action.partition(" ")
    return _ACTIONS[name](tree, rest, catalogue) if name in _ACTIONS else Change()


def _add(tree: Tree, rest: str, catalogue: Catalogue) -> Change:
    row = Row(tree.next_id(), RULE, fact=NEW_RULE, values=catalogue.get(NEW_RULE).blank())
    group = tree.find(_number(rest))
    (group[0][group[1]].rows if group else tree.rows).append(row)
    return Change(row.id)


def _add_group(tree: Tree, _rest: str, catalogue: Catalogue) -> Change:
    number = tree.next_id()
    rule = Row(number + 1, RULE, fact=NEW_RULE, values=catalogue.get(NEW_RULE).blank())
    tree.rows.append(Row(number, GROUP, mode="any" if tree.mode == "all" else "all", rows=[rule]))
    return Change(rule.id)


def _up(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    return _move(tree, rest, -1)


def _down(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    return _move(tree, rest, 1)


def _move(tree: Tree, rest: str, by: int) -> Change:
    found = tree.find(_number(rest))
    if found is None:
        return Change()
    rows, place = found
    if 0 <= place + by < len(rows):
        rows[place], rows[place + by] = rows[place + by], rows[place]
    return Change(_number(rest))


def _copy(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    found = tree.find(_number(rest))
    if found is None:
        return Change()
    rows, place = found
    copied = _numbered(_as_plain(rows[place]), tree.next_id())
    rows.insert(place + 1, copied)
    return Change(copied.id)


def _remove(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    found = tree.find(_number(rest))
    if found is None:
        return Change()
    rows, place = found
    row = rows.pop(place)
    parent = next((group.id for group in tree.rows if group.rows is rows), 0)
    neighbour = rows[min(place, len(rows) - 1)].id if rows else parent or None
    return Change(neighbour, row, f"back {parent} {place} {document_text(_as_plain(row))}")


def _back(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    parent, place, text = [*rest.split(" ", 2), "", "", ""][:3]
    try:
        row = _numbered(json.loads(text), tree.next_id())
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        return Change()
    group = tree.find(_number(parent))
    rows = group[0][group[1]].rows if group else tree.rows
    rows.insert(max(_number(place), 0), row)
    return Change(row.id)


def _drop(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    number, _space, token = rest.partition(" ")
    found = tree.find(_number(number))
    if found is None:
        return Change()
    row = found[0][found[1]]
    row.values["value"] = [value for value in row.values.get("value", []) if value.strip() != token.strip()]
    return Change(row.id)


def _as_plain(row: Row) -> Mapping[str, Any]:
    return {
        "kind": row.kind,
        "fact": row.fact,
        "values": row.values,
        "mode": row.mode,
        "document": row.document,
        "rows": [_as_plain(child) for child in row.rows],
    }


def _numbered(plain: Mapping[str, Any], number: int) -> Row:
    """A row made anew from its plain form; the rows inside follow its number."""
    rows = [_numbered(child, number + 1 + place) for place, child in enumerate(plain["rows"])]
    values = {str(key): [str(one) for one in found] for key, found in dict(plain["values"]).items()}
    kind = plain["kind"] if plain["kind"] in (RULE, GROUP, KEPT) else RULE
    mode = plain["mode"] if plain["mode"] in MODES else "any"
    return Row(number, kind, str(plain["fact"]), values, mode, rows, plain["document"])


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 7 else -1


_ACTIONS: dict[str, Callable[[Tree, str, Catalogue], Change]] = {
    "add": _add,
    "add-group": _add_group,
    "up": _up,
    "down": _down,
    "copy": _copy,
    "remove": _remove,
    "drop": _drop,
    "back": _back,
}
