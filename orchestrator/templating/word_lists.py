"""Several words as one phrase: “e-mail, SMS and in-app message”."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from babel.lists import format_list

# In Hebrew “and” is a letter stuck to the next word; to one that is not written in Hebrew by a hyphen (maqaf).
_FOREIGN = re.compile(r"[\u2066-\u2069\u200e\u200f]*[A-Za-z0-9]")
_MAQAF = "\u05be"


def join(words: Sequence[str], *, language: str, style: Literal["standard", "or"] = "standard") -> str:
    """Empty without words."""
    *rest, last = words if words else [""]
    if rest and style == "standard" and language.startswith("he") and _FOREIGN.match(last):
        last = f"{_MAQAF}{last}"
    return str(format_list([*rest, last], style=style, locale=language.replace("-", "_")))
