"""What somebody wrote in a mail that has no plain text: its HTML's words up to what it quotes.

One pass from the front. Every search either moves on or ends the reading, so that the time grows with the length alone;
a parser that builds a tree, or a pattern that looks ahead, can be kept busy by a mail of some kilobytes.
"""

from __future__ import annotations

import html
import re

_NAME = re.compile(r"</?([a-z][a-z0-9]{0,19})", re.IGNORECASE)
_UNSEEN = {
    name: re.compile(f"</{name}", re.IGNORECASE) for name in ("style", "script", "title", "textarea", "noscript")
}
_LINES = frozenset(
    {"p", "br", "div", "tr", "td", "th", "li", "ul", "ol", "table", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "body"}
)
# How mail programs mark what they quote, besides as a quotation.
_QUOTED = re.compile(r"gmail_quote|yahoo_quoted|divRplyFwdMsg|appendonsend", re.IGNORECASE)
_LONGEST_TAG = 2_000


def read_text(markup: str) -> str:
    """Lines as a reader sees them; nothing of styles, scripts and quotations."""
    parts: list[str] = []
    at, end = 0, len(markup)
    while at < end:
        opening = markup.find("<", at)
        if opening < 0:
            parts.append(markup[at:])
            break
        parts.append(markup[at:opening])
        at = _pass_tag(markup, opening, parts)
    return html.unescape("".join(parts))


def _pass_tag(markup: str, opening: int, parts: list[str]) -> int:
    """Where to read on; the end of the text where nothing after this is the writer's."""
    end = len(markup)
    if markup.startswith("<!", opening) or markup.startswith("<?", opening):
        mark = "-->" if markup.startswith("<!--", opening) else ">"
        closing = markup.find(mark, opening)
        return closing + len(mark) if closing >= 0 else end
    named = _NAME.match(markup, opening)
    if named is None:
        parts.append("<")
        return opening + 1
    name, is_opening = named[1].lower(), markup[opening + 1] != "/"
    closing = markup.find(">", named.end())
    if closing < 0:
        return end
    if is_opening and (
        name == "blockquote" or _QUOTED.search(markup, named.end(), min(closing, opening + _LONGEST_TAG))
    ):
        return end
    if is_opening and name in _UNSEEN:
        hidden = _UNSEEN[name].search(markup, closing)
        return hidden.start() if hidden else end
    if name in _LINES:
        parts.append("\n")
    return closing + 1
