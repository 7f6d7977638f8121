"""What a reader of a mail can see: words and links without those that are hidden by the usual tricks.

Looks at the styles written on the elements (as MJML writes them): not shown, of no size, transparent, or in the colour
of what is behind. Style sheets are not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SILENT = frozenset({"style", "script", "head", "title", "template", "noscript"})
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr"})
_BLOCKS = frozenset({
    "address", "article", "blockquote", "br", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li",
    "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul",
})  # fmt: skip
_NAMED = {"white": "#ffffff", "black": "#000000", "silver": "#c0c0c0", "gray": "#808080", "grey": "#808080"}
_NOTHING = re.compile(r"(?:0+(?:\.0*)?|\.0+)(?:px|pt|em|rem|%)?")
_PLAIN_LINK = re.compile(r"https?://[^\s<>()]+")
# Smaller is meant not to be read.
_SMALLEST_PX = 3


@dataclass(slots=True)
class Seen:
    """`words` in one line's spacing; `links`: where those lead that have words or a picture to be followed
    by, and the addresses that are written out (mail programs make links of them)."""

    words: str = ""
    links: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Look:
    tag: str = ""
    is_hidden: bool = False
    is_tiny: bool = False
    colour: str = "#000000"
    behind: str = "#ffffff"

    @property
    def shows(self) -> bool:
        return not (self.is_hidden or self.is_tiny or self.colour == self.behind)


def look_at(html: str) -> Seen:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    words = " ".join("".join(reader.words).split())
    return Seen(words, reader.links | look_at_text(words).links)


def look_at_text(text: str) -> Seen:
    """Of a text without markup, where an address written out is a link."""
    return Seen(text, {found.rstrip(".,;:!?") for found in _PLAIN_LINK.findall(text)})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.links: set[str] = set()
        self._looks = [_Look()]
        self._hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS:
            self.words.append(" ")
        look = _look_of(tag, given, self._looks[-1])
        if tag == "img" and not look.is_hidden and given.get("alt"):
            self._say(given["alt"])
        if tag in _VOID:
            return
        self._looks.append(look)
        if tag == "a":
            self._hrefs.append(given.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.words.append(" ")
        if tag == "a" and self._hrefs:
            self._hrefs.pop()
        place = next((n for n in range(len(self._looks) - 1, 0, -1) if self._looks[n].tag == tag), 0)
        if place:
            del self._looks[place:]

    def handle_data(self, data: str) -> None:
        if self._looks[-1].shows:
            self._say(data)

    def _say(self, words: str) -> None:
        self.words.append(words)
        if self._hrefs and words.strip(" \t\r\n\xa0\u200b\u200c\u200d\ufeff"):
            self.links.add(self._hrefs[-1])


def _look_of(tag: str, given: dict[str, str], around: _Look) -> _Look:
    style = dict(_declared(given.get("style", "")))
    is_hidden = (
        around.is_hidden
        or tag in _SILENT
        or "hidden" in given
        or style.get("display") == "none"
        or style.get("visibility") == "hidden"
        or any(_NOTHING.fullmatch(style[name]) is not None for name in ("opacity", "max-height") if name in style)
    )
    size = style.get("font-size")
    return _Look(
        tag=tag,
        is_hidden=is_hidden,
        is_tiny=around.is_tiny if size is None else _is_tiny(size),
        colour=_colour(style.get("color") or given.get("color", "")) or around.colour,
        behind=_colour(style.get("background-color") or style.get("background") or given.get("bgcolor", ""))
        or around.behind,
    )


def _declared(style: str) -> list[tuple[str, str]]:
    pairs = (one.partition(":") for one in style.split(";"))
    return [(name.strip().lower(), value.replace("!important", "").strip().lower()) for name, _, value in pairs]


def _is_tiny(size: str) -> bool:
    found = re.fullmatch(r"(\d*\.?\d+)(px|pt)?", size)
    return found is not None and float(found[1]) < _SMALLEST_PX


def _colour(written: str) -> str:
    """As #rrggbb; empty for what is none, such as transparent or a picture."""
    word = written.split(" ")[0] if not written.startswith("rgb") else written
    word = _NAMED.get(word, word)
    if re.fullmatch(r"#[0-9a-f]{3}", word):
        return "#" + "".join(2 * digit for digit in word[1:])
    if re.fullmatch(r"#[0-9a-f]{6}", word):
        return word
    parts = re.fullmatch(r"rgb\((\d+),\s*(\d+),\s*(\d+)\)", word)
    return "#" + "".join(f"{min(int(part), 255):02x}" for part in parts.groups()) if parts else ""
