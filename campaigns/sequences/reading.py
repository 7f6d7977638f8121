"""Read a JSON document strictly: every refusal names the path and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


class CampaignFileError(ValueError):
    """The file is wrong at `path` (as in `steps[0].variants.a.weight`) for the reason in `message`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class Node:
    """One object of the document and the path to it. Each reader takes a key's value or raises."""

    value: Mapping[str, Any]
    path: str

    @classmethod
    def of(cls, value: object, path: str) -> Node:
        if not isinstance(value, Mapping):
            raise CampaignFileError(path, "This must be an object.")
        return cls(value, path)

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def allow_only(self, keys: Iterable[str]) -> None:
        known = set(keys)
        unknown = sorted(set(self.value) - known)
        if unknown:
            words = f"Unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}."
            raise CampaignFileError(self.at(unknown[0]), words)

    def has(self, key: str) -> bool:
        return key in self.value

    def required(self, key: str) -> Any:
        if key not in self.value:
            raise CampaignFileError(self.at(key), "This key is missing.")
        return self.value[key]

    def child(self, key: str) -> Node:
        return Node.of(self.required(key), self.at(key))

    def child_or_empty(self, key: str) -> Node:
        return Node.of(self.value.get(key, {}), self.at(key))

    def text(self, key: str, *, default: str | None = None, longest: int = 200) -> str:
        value = self.value.get(key, default) if default is not None else self.required(key)
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise CampaignFileError(self.at(key), "This must be a text that is not empty.")
        if len(value) > longest:
            raise CampaignFileError(self.at(key), f"This text is longer than {longest} characters.")
        return value

    def slug(self, key: str, *, longest: int) -> str:
        return check_slug(self.text(key, longest=longest), self.at(key), longest=longest)

    def choice(self, key: str, allowed: Sequence[str], *, default: str | None = None) -> str:
        value = self.text(key, default=default)
        if value not in allowed:
            raise CampaignFileError(self.at(key), f"{value!r} is none of {', '.join(allowed)}.")
        return value

    def choices(self, key: str, allowed: Sequence[str], *, default: Sequence[str]) -> tuple[str, ...]:
        values = self.value.get(key, default)
        if not isinstance(values, (list, tuple)):
            raise CampaignFileError(self.at(key), "This must be a list.")
        for place, value in enumerate(values):
            if value not in allowed:
                raise CampaignFileError(f"{self.at(key)}[{place}]", f"{value!r} is none of {', '.join(allowed)}.")
            if value in values[:place]:
                raise CampaignFileError(f"{self.at(key)}[{place}]", f"{value!r} is named twice.")
        return tuple(values)

    def whole(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        value = self.value.get(key, default) if default is not None else self.required(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise CampaignFileError(self.at(key), f"This must be a whole number from {low} to {high}.")
        return value


def check_slug(value: str, path: str, *, longest: int) -> str:
    if not _SLUG.fullmatch(value) or len(value) > longest:
        words = f"{value!r} is no name: write small letters, digits and hyphens, at most {longest} characters."
        raise CampaignFileError(path, words)
    return value
