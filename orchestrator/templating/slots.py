"""One mail for many people: what is the same for all of them once, with tags where each has a value of their own.

A provider that fills tags in by plain replacement makes of the two, byte for byte, what rendering for
one person makes. Where that is not certain (a value looks like a tag), there are no slots and the mail
goes as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from orchestrator.templating import hrefs, liquid, plaintext
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent, Rendered, one_line

_MOST_SLOTS = 1000
# Any letter or sign that is no part of a plain text's blanks: it holds an edge where fixed text will stand.
_EDGE = "x"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A version's html and text with a tag for each value.

    Tags are of one width; each holds `mark`, which stands nowhere else in the version and in no other version.
    """

    html: str
    text: str
    mark: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cut:
    skeleton: Skeleton
    html: liquid.Parts
    text: liquid.Parts
    checks_addresses: bool


def render_slotted(
    compiled: CompiledContent, context: Mapping[str, Any]
) -> tuple[Rendered, Skeleton | None, dict[str, str]]:
    """The mail as `message.render_email` makes it; beside it the skeleton and this person's value for each tag.

    Without a skeleton where the two would not make the same mail. Raises TemplateError.
    """
    facts = liquid.prepare(context)
    subject = one_line(liquid.render(compiled.subject, facts, html=False, locale=compiled.locale))
    made = _cut(compiled)
    html_values = _html_values(made.html, facts)
    text_values = _tidied(made.text, liquid.render_values(made.text, facts))
    mail = Rendered(subject, _joined(made, html_values), made.text.join(text_values))
    values = [*html_values, *text_values]
    skeleton = made.skeleton
    is_certain = (
        len(values) <= _MOST_SLOTS
        and bool(mail.subject and mail.html and mail.text)
        and not any(skeleton.mark in part for part in (mail.subject, mail.html, mail.text))
    )
    return mail, skeleton if is_certain else None, dict(zip(skeleton.tags, values, strict=True))


def render_whole(compiled: CompiledContent, context: Mapping[str, Any]) -> Rendered:
    """The mail as `message.render_email` makes it, at less than half the cost: a value that stands in many places is
    made once, and the fixed text is neither written nor tidied again. Raises TemplateError."""
    facts = liquid.prepare(context)
    made = _cut(compiled)
    return Rendered(
        subject=one_line(liquid.render(compiled.subject, facts, html=False, locale=compiled.locale)),
        html=_joined(made, _html_values(made.html, facts)),
        text=made.text.join(_tidied(made.text, liquid.render_values(made.text, facts))),
    )


@lru_cache(maxsize=256)
def _cut(compiled: CompiledContent) -> _Cut:
    html = liquid.cut(compiled.html, html=True, locale=compiled.locale)
    text = liquid.cut(compiled.text, html=False, locale=compiled.locale, loose=True)
    text = replace(text, fixed=tuple(plaintext.tidy(part) for part in text.fixed))
    mark = _free_mark(compiled)
    in_html, in_text = len(set(html.order)), len(set(text.order))
    # A capital that occurs once, at the start: no tag begins inside another.
    tags = [f"{mark}{number:03d}" for number in range(in_html + in_text)]
    skeleton = Skeleton(
        html=html.join(tags[:in_html]),
        text=text.join(tags[in_html:]),
        mark=mark,
        tags=tuple(tags),
    )
    return _Cut(skeleton, html, text, hrefs.depends_on_values(compiled.html))


def _free_mark(compiled: CompiledContent) -> str:
    """Made of the version's content, so that two versions never share one."""
    parts = (compiled.subject, compiled.html, compiled.text, compiled.locale)
    seed = "\x00".join(parts).encode(errors="surrogatepass")
    for salt in range(256):
        mark = "Q" + hashlib.sha256(bytes([salt]) + seed).hexdigest()[:12]
        if not any(mark in part for part in parts):
            return mark
    raise TemplateError("The mail's text leaves no room for tags.", code="TOO_MUCH")


def _joined(made: _Cut, values: list[str]) -> str:
    html = made.html.join(values)
    if made.checks_addresses:
        hrefs.check_rendered(html)
    return html


def _html_values(parts: liquid.Parts, facts: Mapping[str, Any]) -> list[str]:
    try:
        return liquid.render_values(parts, facts)
    except TemplateError as error:
        raise TemplateError(error.message, code=error.code, variable=error.variable) from error


def _tidied(parts: liquid.Parts, values: list[str]) -> list[str]:
    """Each value as `tidy` leaves it in its place: every run of blanks is tidied by itself, wherever it stands."""
    made = list(values)
    first = parts.order[0] if parts.order and not parts.fixed[0] else None
    last = parts.order[-1] if parts.order and not parts.fixed[-1] else None
    for number, value in enumerate(values):
        is_open = number in (first, last)
        if not is_open and "  " not in value and value.isprintable():
            continue
        before = "" if number == first else _EDGE
        after = "" if number == last else _EDGE
        tidy = plaintext.tidy(before + value + after)
        made[number] = tidy[len(before) : len(tidy) - len(after)]
    return made
