"""The plain-text part of a mail, made from its HTML: readable, links kept."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_SILENT = {"style", "script", "head", "title", "template"}
_VOID = {"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr"}
_BLOCKS = {
    "address", "article", "blockquote", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "li", "ol", "p",
    "pre", "section", "table", "tr", "ul",
}  # fmt: skip
_LINES = {"li", "tr", "div"}
_BLANKS = re.compile(r"[ \t\xa0]+")
_EMPTY_LINES = re.compile(r"\n{3,}")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


def html_to_text(html: str) -> str:
    """Paragraphs apart, list items with a dash, links as `words (address)`; hidden text and comments are left out."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return tidy("".join(reader.parts))


def tidy(text: str) -> str:
    """No trailing blanks, never more than one empty line, none at the ends."""
    lines = "\n".join([_one_blank(line).strip() for line in text.splitlines()])
    return (_EMPTY_LINES.sub("\n\n", lines) if "\n\n\n" in lines else lines).strip()


def _one_blank(line: str) -> str:
    """Most lines have nothing to replace, and looking costs a fraction of replacing each blank by itself."""
    return _BLANKS.sub(" ", line) if "  " in line or "\t" in line or "\xa0" in line else line


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._lines = 0
        self._open: list[tuple[str, bool]] = []
        self._links: list[tuple[str, int]] = []

    @property
    def _silent(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "br":
            self._say("\n")
        elif tag == "hr":
            self._break("p")
            self._say("---")
            self._break("p")
        elif tag == "img":
            self._say(given.get("alt") or "")
        if tag in _VOID:
            return
        hidden = self._silent or tag in _SILENT or _HIDDEN.search(given.get("style") or "") is not None
        self._open.append((tag, hidden))
        if tag in _BLOCKS:
            self._break(tag)
        if tag == "li":
            self._say("- ")
        if tag in {"td", "th"}:
            self._say(" ")
        if tag == "a":
            self._links.append((given.get("href") or "", len(self.parts)))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links:
            self._end_link()
        if tag in _BLOCKS:
            self._break(tag)
        names = [name for name, _ in self._open]
        if tag in names:
            del self._open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        self._say(re.sub(r"\s+", " ", data))

    def _end_link(self) -> None:
        address, start = self._links.pop()
        words = "".join(self.parts[start:]).strip()
        address = address.removeprefix("mailto:").removeprefix("tel:")
        if address and not address.startswith("#") and words != address:
            self._say(f" ({address})" if words else address)

    def _break(self, tag: str) -> None:
        self._lines = max(self._lines, 1 if tag in _LINES else 2)

    def _say(self, text: str) -> None:
        if self._silent or (self._lines and not text.strip(" ")):
            return
        self.parts.append("\n" * self._lines + text)
        self._lines = 0
