"""How a country wants marketing to be marked. Judges the text as written, before anybody is named in it."""

from __future__ import annotations

import re
from collections.abc import Collection

from orchestrator.engine.country_packs.pack import CountryPack


def begins_with_mark(*, pack: CountryPack, text: str) -> bool:
    """Whether the first word is the pack's mark; brackets, quotes and signs of direction before it do not count.

    A pack without a mark asks for nothing. Word for word: a longer word that begins with it is another word.
    """
    return not pack.mark or bool(re.match(rf"[\W_]*{re.escape(pack.mark)}(?!\w)", text))


def names_sender(*, pack: CountryPack, text: str, names: Collection[str]) -> bool:
    """Whether one of the sender's names stands in the text, if the pack asks for it."""
    told = text.casefold()
    return not pack.names_sender or any(name.casefold() in told for name in names if name)
