"""Form bodies with nested names, as the billing client writes them: items[0][price]=… -> {"items": [{"price": …}]}."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

NAME = re.compile(r"[^\[\]]+")


class FormError(ValueError):
    """A body whose names contradict each other."""


def parse_form(body: bytes) -> dict[str, Any]:
    """Raises FormError. Every value is text; numbered and empty brackets make lists."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        keys = NAME.findall(name)
        if not keys:
            raise FormError(f"Invalid parameter name {name!r}.")
        if name.endswith("[]"):
            keys.append(str(_length(tree, keys)))
        _put(tree, keys, value)
    return {key: _lists(value) for key, value in tree.items()}


def _put(tree: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise FormError(f"Parameter {key!r} is both a value and an object.")
    tree[keys[-1]] = value


def _length(tree: dict[str, Any], keys: list[str]) -> int:
    for key in keys:
        tree = tree.get(key, {})
    return len(tree)


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    children = {key: _lists(child) for key, child in value.items()}
    if children and all(key.isdigit() for key in children):
        return [children[key] for key in sorted(children, key=int)]
    return children
