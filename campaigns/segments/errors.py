from __future__ import annotations


class DefinitionError(ValueError):
    """A segment definition can't be used. `path` points into it, as in `all[1].window`; empty is the root."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message
