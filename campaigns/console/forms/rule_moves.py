"""What the buttons of the rules do: lines are added, moved, put into groups and out of them, removed, brought back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.console.forms import rules
from campaigns.console.forms.catalogue import Catalogue
from campaigns.console.forms.rules import BONDS, GROUP, KEPT, MODES, NEW_RULE, PERSONS_RULE, RULE, Group, Row, Tree
from campaigns.segments.grammar import DEPTH_LIMIT


@dataclass(frozen=True, slots=True)
class Change:
    """What an action did: which row to go on at, and what was taken away, as a button's value that brings it back."""

    focus: int | None = None
    removed: Row | None = None
    undo: str = ""


def act(tree: Tree, action: str, catalogue: Catalogue) -> Change:
    """Do what a button asks (`add`, `add 2`, `add-group 2`, `add-bond 2`, `up 3`, `into 3`, `out 3`, `wrap 3`,
    `bind 2`, `copy 3`, `remove 3`, `drop 3 basic`, `back 0 1 {…}`). An action on a row that is gone, one that would
    nest too deep, or an unknown one changes nothing."""
    name, _space, rest = action.partition(" ")
    return _ACTIONS[name](tree, rest, catalogue) if name in _ACTIONS else Change()


def mark_places(tree: Tree) -> None:
    """Say of every row where it may go from where it stands, and of every group what it may take in."""
    levels: dict[int, tuple[int, list[str]]] = {0: (len(rules.heads_of(tree)), [])}
    for row, group, place in rules.walk(tree):
        outer, bonds = levels[_key(group)]
        if row.kind == GROUP:
            levels[row.id] = outer + len(rules.heads_of(row)), [*bonds, row.bond.removeprefix("no_")]
            row.takes_group = levels[row.id][0] < DEPTH_LIMIT
            row.takes_bond = _bond_for(tree, *levels[row.id])
        row.depth = 1 if isinstance(group, Tree) else group.depth + 1
        row.goes_out = group is not tree
        row.goes_into = _way_in(row, group.rows, place, outer)
    tree.takes_group, tree.takes_bond = True, _bond_for(tree, *levels[0])


def _way_in(row: Row, rows: Sequence[Row], place: int, outer: int) -> str:
    """To the group above where there is one, else to the one below, unless that would nest too deep."""
    near = {"above": rows[max(place - 1, 0) : place], "below": rows[place + 1 : place + 2]}
    for side, found in near.items():
        if found and found[0].kind == GROUP:
            fits = outer + len(rules.heads_of(found[0])) + _height(row) <= DEPTH_LIMIT
            return side if fits else ""
    return ""


def _key(group: Group) -> int:
    return group.id if isinstance(group, Row) else 0


def _add(tree: Tree, rest: str, catalogue: Catalogue) -> Change:
    row = _new_rule(tree, catalogue)
    (_group(tree, rest) or tree).rows.append(row)
    return Change(row.id)


def _add_group(tree: Tree, rest: str, catalogue: Catalogue) -> Change:
    group = _group(tree, rest) or tree
    return _put_group(tree, group, catalogue, Row(tree.next_id(), GROUP, mode="any" if group.mode == "all" else "all"))


def _add_bond(tree: Tree, rest: str, catalogue: Catalogue) -> Change:
    group = _group(tree, rest) or tree
    made = Row(tree.next_id(), GROUP, mode="all", bond=_bond_for(tree, *_levels_to(tree, group)))
    return _put_group(tree, group, catalogue, made) if made.bond else Change()


def _put_group(tree: Tree, group: Group, catalogue: Catalogue, made: Row) -> Change:
    if _levels_to(tree, group)[0] + len(rules.heads_of(made)) > DEPTH_LIMIT:
        return Change()
    group.rows.append(made)
    rule = _new_rule(tree, catalogue, PERSONS_RULE if made.bond == "contact" else NEW_RULE)
    made.rows.append(rule)
    return Change(rule.id)


def _up(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    return _move(tree, rest, -1)


def _down(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    return _move(tree, rest, 1)


def _move(tree: Tree, rest: str, by: int) -> Change:
    found = tree.find(_number(rest))
    if found is None:
        return Change()
    rows, place = found[0].rows, found[1]
    if 0 <= place + by < len(rows):
        rows[place], rows[place + by] = rows[place + by], rows[place]
    return Change(_number(rest))


def _into(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    """To the end of the group above; where there is none, to the beginning of the one below."""
    found = tree.find(_number(rest))
    if found is None:
        return Change()
    rows, place = found[0].rows, found[1]
    row = rows[place]
    mark_places(tree)
    if row.goes_into:
        del rows[place]
        target = rows[place - 1] if row.goes_into == "above" else rows[place]
        target.rows.insert(len(target.rows) if row.goes_into == "above" else 0, row)
    return Change(row.id)


def _out(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    """To behind its group, which goes when nothing is left in it."""
    found = tree.find(_number(rest))
    group = found[0] if found else tree
    outer = tree.find(group.id) if isinstance(group, Row) else None
    if found is None or outer is None:
        return Change()
    row = group.rows.pop(found[1])
    outer[0].rows.insert(outer[1] + 1, row)
    if not group.rows:
        del outer[0].rows[outer[1]]
    return Change(row.id)


def _into_own_group(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    found = tree.find(_number(rest))
    if found is None:
        return Change()
    group, place = found
    row = group.rows[place]
    made = Row(tree.next_id(), GROUP, mode="any" if group.mode == "all" else "all", rows=[row])
    if _levels_to(tree, group)[0] + 1 + _height(row) <= DEPTH_LIMIT:
        group.rows[place] = made
    return Change(row.id)


def _bind(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    group = _group(tree, rest)
    if group is not None and not group.bond:
        group.bond = _bond_for(tree, *_levels_to(tree, group))
    return Change(group.id if group else None)


def _copy(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    found = tree.find(_number(rest))
    if found is None:
        return Change()
    group, place = found
    copied = _numbered(_as_plain(group.rows[place]), iter(range(tree.next_id(), 10**9)))
    group.rows.insert(place + 1, copied)
    return Change(copied.id)


def _remove(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    found = tree.find(_number(rest))
    if found is None:
        return Change()
    group, place = found
    row, parent = group.rows.pop(place), 0 if isinstance(group, Tree) else group.id
    neighbour = group.rows[min(place, len(group.rows) - 1)].id if group.rows else parent or None
    return Change(neighbour, row, f"back {parent} {place} {rules.document_text(_as_plain(row))}")


def _back(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    parent, place, text = [*rest.split(" ", 2), "", "", ""][:3]
    mark_places(tree)
    group = _group(tree, parent) or tree
    try:
        row = _numbered(json.loads(text), iter(range(tree.next_id(), 10**9)))
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        return Change()
    if (group.depth if isinstance(group, Row) else 0) + _nesting(row) > rules.DEPTH_LIMIT:
        return Change()
    group.rows.insert(max(_number(place), 0), row)
    return Change(row.id)


def _drop(tree: Tree, rest: str, _catalogue: Catalogue) -> Change:
    number, _space, token = rest.partition(" ")
    found = tree.find(_number(number))
    if found is None:
        return Change()
    row = found[0].rows[found[1]]
    row.values["value"] = [value for value in row.values.get("value", []) if value.strip() != token.strip()]
    return Change(row.id)


def _new_rule(tree: Tree, catalogue: Catalogue, fact: str = NEW_RULE) -> Row:
    return Row(tree.next_id(), RULE, fact=fact, values=catalogue.get(fact).blank())


def _group(tree: Tree, rest: str) -> Row | None:
    found = tree.find(_number(rest))
    row = found[0].rows[found[1]] if found else None
    return row if row is not None and row.kind == GROUP else None


def _levels_to(tree: Tree, group: Group) -> tuple[int, list[str]]:
    """Levels of the grammar down to what stands in the group, and what the groups on the way hold to."""
    holders = {row.id: holder for row, holder, _place in rules.walk(tree)}
    levels, bonds = len(rules.heads_of(group)), [group.bond.removeprefix("no_")]
    while isinstance(group, Row):
        group = holders[group.id]
        levels += len(rules.heads_of(group))
        bonds.append(group.bond.removeprefix("no_"))
    return levels, bonds


def _height(row: Row) -> int:
    inside = max((_height(child) for child in row.rows), default=0)
    return len(rules.heads_of(row)) + inside if row.kind == GROUP else 0


def _nesting(row: Row) -> int:
    return 1 + max((_nesting(child) for child in row.rows), default=0)


def _bond_for(tree: Tree, levels: int, bonds: Sequence[str]) -> str:
    """The side that a group in here could hold to one and the same of; empty where one is already held to, and for
    the question of a branch, which is about one person at one account as it is."""
    side = {"account": "contact", "contact": "account"}.get(tree.subject, "")
    return side if side not in bonds and levels + 2 <= DEPTH_LIMIT else ""


def _as_plain(row: Row) -> Mapping[str, Any]:
    return {
        "kind": row.kind,
        "fact": row.fact,
        "values": row.values,
        "mode": row.mode,
        "bond": row.bond,
        "bare": row.is_bare,
        "document": row.document,
        "rows": [_as_plain(child) for child in row.rows],
    }


def _numbered(plain: Mapping[str, Any], numbers: Iterator[int]) -> Row:
    """A row made anew from its plain form, with numbers of its own."""
    number = next(numbers)
    values = {str(key): [str(one) for one in found] for key, found in dict(plain["values"]).items()}
    return Row(
        number,
        plain["kind"] if plain["kind"] in (RULE, GROUP, KEPT) else RULE,
        str(plain["fact"]),
        values,
        plain["mode"] if plain["mode"] in MODES else "any",
        [_numbered(child, numbers) for child in plain["rows"]],
        plain["document"],
        plain["bond"] if plain["bond"] in BONDS else "",
        bool(plain["bare"]),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else -1


_ACTIONS: dict[str, Callable[[Tree, str, Catalogue], Change]] = {
    "add": _add,
    "add-group": _add_group,
    "add-bond": _add_bond,
    "up": _up,
    "down": _down,
    "into": _into,
    "out": _out,
    "wrap": _into_own_group,
    "bind": _bind,
    "copy": _copy,
    "remove": _remove,
    "drop": _drop,
    "back": _back,
}
