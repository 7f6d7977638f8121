"""The ways of a split: one more, one less, their shares."""

from __future__ import annotations

import string
from typing import Any

from django.utils.translation import gettext as _

from campaigns.console.step_tree import Node, StepError, check_unneeded, walk
from campaigns.sequences.step_kinds import MOST_WAYS


def add(node: Node) -> None:
    """One more way, empty; shares become equal. Raises StepError."""
    _check(node)
    if len(node.ways) >= MOST_WAYS:
        raise StepError(_("A split has at most %(n)d ways.") % {"n": MOST_WAYS})
    name = next(letter for letter in string.ascii_lowercase if letter not in node.ways)
    node.ways[name] = []
    _share_equally(node)


def remove(tree: list[Node], node: Node, name: str) -> None:
    """With what stands in its lane; shares become equal. Raises StepError."""
    _check(node)
    if name not in node.ways:
        raise StepError(_("This step is not there any more."))
    if len(node.ways) <= 2:
        raise StepError(_("A split has at least two ways: remove the split instead."))
    check_unneeded(tree, {one.key for one in walk(node.ways[name])})
    del node.ways[name]
    _share_equally(node)


def set_shares(step: dict[str, Any], shares: dict[str, int]) -> None:
    for name, share in shares.items():
        step["ways"][name]["weight"] = share


def _check(node: Node) -> None:
    if node.kind != "SPLIT":
        raise StepError(_("This change is not known."))


def _share_equally(node: Node) -> None:
    """In the order of the alphabet, which the draw goes by; the first takes the rest."""
    names = sorted(node.ways)
    share, rest = divmod(100, len(names))
    node.ways = {name: node.ways[name] for name in names}
    node.step["ways"] = {name: {"weight": share + (rest if place == 0 else 0)} for place, name in enumerate(names)}
