"""Words that come from data, marked: around each output of a template go two private characters, and what was
rendered between them is shown on a coloured ground."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from campaigns.sequences import snippets, wording
from orchestrator.templating import lint, message
from orchestrator.templating.errors import TemplateError

_START, _END = "\ue000", "\ue001"
_OUTPUT = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_NOT_TEXT = re.compile(r"<title\b.*?</title>|<style\b.*?</style>|<[^<>]*>", re.DOTALL | re.IGNORECASE)


def mark_text(source: str) -> str:
    return _OUTPUT.sub(lambda found: f"{_START}{found[0]}{_END}", source)


def mark_html(source: str) -> str:
    """Only what is text between tags; values in attributes stay as they are."""
    parts, place = [], 0
    for found in _NOT_TEXT.finditer(source):
        parts += [mark_text(source[place : found.start()]), found[0]]
        place = found.end()
    return "".join([*parts, mark_text(source[place:])])


def show(escaped: str, *, opening: str) -> str:
    """`escaped` is HTML already; `opening` the start tag of the span that marks."""
    return escaped.replace(_START, opening).replace(_END, "</span>")


def bare(marked: str) -> str:
    """The words without their marks."""
    return marked.replace(_START, "").replace(_END, "")


def line_of(*, source: str, facts: Mapping[str, Any], locale: str, at: datetime | None = None) -> SafeString:
    """A line of plain text as a card shows it, filled in and marked."""
    words = _filled(source, facts, locale, at)
    return mark_safe(show(escape(words), opening='<span class="cr-var">'))  # noqa: S308  escaped a word before


def words_of(*, source: str, facts: Mapping[str, Any], locale: str) -> str:
    """The same without marks."""
    return bare(_filled(source, facts, locale, None))


def _filled(source: str, facts: Mapping[str, Any], locale: str, at: datetime | None) -> str:
    """What `facts` lack is told by the words' samples: a reader of a list is no reader of Liquid. As written where it
    is wrong. Snippets as they were `at`, else as they are."""
    try:
        source = snippets.expand_text(text=source, locale=locale, at=at)
        compiled = message.compile_text(text=mark_text(source), locale=locale)
    except TemplateError:
        return mark_text(source)
    for told in (facts, _with_samples(facts)):
        try:
            return message.render_text(compiled, told).text
        except TemplateError:
            continue
    return mark_text(source)


def _with_samples(facts: Mapping[str, Any]) -> dict[str, Any]:
    samples = lint.sample_context(wording.variables(has_offer=True))
    return {
        group: {**known, **{name: value for name, value in facts.get(group, {}).items() if value not in (None, "")}}
        for group, known in samples.items()
    }
