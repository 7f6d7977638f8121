"""What can be wrong with a template, in words for the person who wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class TemplateError(ValueError):
    """Permanent: the same template with the same facts fails again.

    `code` is stable, `message` is plain English, `line` counts from 1 in the source the person wrote (None: unknown),
    `variable` is the dotted name that is missing, if one is.
    """

    def __init__(self, message: str, *, code: str, line: int | None = None, variable: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.line = line
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a content. Errors stop a launch, warnings do not. `field`: which part of the content."""

    code: str
    message: str
    line: int | None
    field: str = ""
    level: Literal["error", "warning"] = "error"
