"""The messages that a question is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def asked_steps(step: Mapping[str, Any]) -> set[str]:
    """The messages of this campaign that a branch, or a wait for a condition, asks about; none for any other step."""
    return set(_asked(step.get("if") or step.get("until")))


def _asked(condition: object) -> Iterator[str]:
    if isinstance(condition, list):
        for one in condition:
            yield from _asked(one)
    elif isinstance(condition, dict):
        if "engagement" in condition and "campaign" not in condition and condition.get("step"):
            yield str(condition["step"])
        for name in ("all", "any", "not", "any_contact", "any_account"):
            yield from _asked(condition.get(name))
