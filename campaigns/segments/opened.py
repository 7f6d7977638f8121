"""An object of a definition while it is read: every key is taken once, and what is left over is an error."""

from __future__ import annotations

from typing import Any

from campaigns.segments.errors import DefinitionError
from campaigns.segments.reading import Pairs
from campaigns.segments.values import TEXT_LIMIT, name_type


class Opened:
    def __init__(self, given: dict[str, Any], path: str) -> None:
        self.path = path
        self.keys = tuple(given)
        self._left = dict(given)

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def at(self, key: str) -> str:
        """The path of a key of this object."""
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str) -> Any:
        """Raises DefinitionError at the key when it is missing."""
        if key not in self._left:
            raise DefinitionError(self.at(key), f"{key} is missing.")
        return self._left.pop(key)

    def refuse_rest(self, of_what: str) -> None:
        for key in self._left:
            if key == "subject":
                raise DefinitionError(self.at(key), "The subject stands at the root only.")
            raise DefinitionError(self.at(key[:TEXT_LIMIT]), f"Unknown key for {of_what}.")


def open_object(given: Any, path: str, what: str) -> Opened:
    if not isinstance(given, dict):
        raise DefinitionError(path, f"{what} is an object, not {name_type(given)}.")
    if isinstance(given, Pairs) and given.repeated:
        key = given.repeated[0]
        raise DefinitionError(f"{path}.{key}" if path else key, f"The key {key} is repeated.")
    for key in given:
        if not isinstance(key, str):
            raise DefinitionError(path, "The keys of an object are text.")
    return Opened(given, path)
