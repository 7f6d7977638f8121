"""Liquid regions inside another language: found in one linear pass, replaced by opaque words and put back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.templating.errors import TemplateError

_OPENING = re.compile(r"\{[{%]")
_COMMENT = re.compile(r"\{%-?\s*(end)?comment\s*-?%\}")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_WORD = re.compile(r"lqx+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Region:
    """`{{ ... }}` or `{% ... %}`, with both marks."""

    start: int
    end: int
    text: str

    @property
    def is_output(self) -> bool:
        return self.text.startswith("{{")

    @property
    def inner(self) -> str:
        return self.text[2:-2].strip("-").strip()


def regions(source: str) -> Iterator[Region]:
    """Every Liquid region in order. TemplateError at one that is never closed."""
    position = 0
    while (found := _OPENING.search(source, position)) is not None:
        closing = "}}" if found[0] == "{{" else "%}"
        end = source.find(closing, found.end())
        if end < 0:
            line = source.count("\n", 0, found.start()) + 1
            raise TemplateError(f"A {found[0]} is never closed with {closing}.", code="SYNTAX", line=line)
        yield Region(found.start(), end + 2, source[found.start() : end + 2])
        position = end + 2


def refuse_markup(source: str) -> None:
    """Texts inside Liquid tags come out unescaped in HTML, so they may not hold any."""
    for region in regions(source):
        if any("<" in quoted[0] for quoted in _QUOTED.finditer(region.text)):
            line = source.count("\n", 0, region.start) + 1
            message = "A text inside a Liquid tag contains '<'. Write HTML outside the tags."
            raise TemplateError(message, code="MARKUP_IN_TAG", line=line)


class Mask:
    """One source with its regions replaced by words that survive XML, HTML and URLs.

    `text` is the masked source without Liquid comments (their line breaks stay). A tag's word is told from an
    output's by `is_output`.
    """

    def __init__(self, source: str) -> None:
        self._prefix = _free_word(source)
        self._kept: list[Region] = []
        self._word = re.compile(self._prefix + r"([0-9]+)z")
        self.text = self._replace(source)

    def _replace(self, source: str) -> str:
        parts, position, comment_from = [], 0, None
        for region in regions(source):
            comment = _COMMENT.fullmatch(region.text)
            if comment_from is None:
                parts.append(source[position : region.start])
            position = region.end
            if comment is not None and comment[1] is None:
                comment_from = region.start if comment_from is None else comment_from
            elif comment is not None and comment_from is not None:
                parts.append("\n" * source.count("\n", comment_from, region.end))
                comment_from = None
            elif comment_from is None:
                parts.append(f"{self._prefix}{len(self._kept)}z")
                self._kept.append(region)
        parts.append(source[position if comment_from is None else len(source) :])
        return "".join(parts)

    def restore(self, text: str) -> str:
        return self._word.sub(lambda found: self._kept[int(found[1])].text, text)

    def line_at(self, masked_before: str) -> int:
        """Line, in the source, of the place that this much masked text leads up to."""
        return self.restore(masked_before).count("\n") + 1

    def has_word(self, text: str) -> bool:
        return self._word.search(text) is not None

    def leading(self, text: str) -> Region | None:
        """The region that the text starts with, if it starts with one."""
        found = self._word.match(text)
        return self._kept[int(found[1])] if found else None

    def without_tags(self, text: str) -> str:
        """The text less its `{% %}` words; outputs and everything else stay."""

        def keep_output(found: re.Match[str]) -> str:
            return found[0] if self._kept[int(found[1])].is_output else ""

        return self._word.sub(keep_output, text)


def _free_word(source: str) -> str:
    """One `x` more than the longest such word that the source holds itself."""
    taken = max((len(found[0]) for found in _WORD.finditer(source)), default=2)
    return "lq" + "x" * (taken - 1)
