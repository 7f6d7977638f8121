"""Contents of messages: compiled once per version, rendered for each contact, checked before a launch."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import nh3

from orchestrator.templating import hrefs, limits, liquid, mask, plaintext
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.mjml import compile_masked, direction

LINK_SCHEMES = {"https", "mailto", "tel"}
_IN_APP_TAGS = {
    "a", "b", "bdi", "blockquote", "br", "code", "div", "em", "h2", "h3", "h4", "hr", "i", "img", "li", "ol", "p", "s",
    "small", "span", "strong", "sub", "sup", "u", "ul",
}  # fmt: skip
_IN_APP_ATTRIBUTES = {"*": {"dir", "lang", "title"}, "a": {"href"}, "img": {"src", "alt", "width", "height"}}
# Far beyond what a banner or a window has.
_MOST_TAGS = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class CompiledContent:
    """Liquid sources, ready to be stored. `html` is what MJML (or the sanitiser) made; `subject` may be empty."""

    subject: str
    html: str
    text: str
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    html: str
    text: str


def compile_email(*, subject: str, mjml: str, text: str = "", locale: str = "en") -> CompiledContent:
    """Every part parsed and the MJML compiled; without `text` the plain part is made from the HTML.

    TemplateError with the line in the part that is wrong.
    """
    liquid.parse(subject, html=False, locale=locale)
    liquid.parse(mjml, html=True, locale=locale)
    liquid.parse(text, html=False, locale=locale)
    html, kept = compile_masked(mjml, locale=locale)
    plain = text.strip() or kept.restore(plaintext.html_to_text(html))
    compiled = CompiledContent(one_line(subject), kept.restore(html), plain, locale)
    liquid.parse(compiled.html, html=True, locale=locale, limit=limits.LARGEST_OUTPUT)
    liquid.parse(compiled.text, html=False, locale=locale, limit=limits.LARGEST_OUTPUT)
    return compiled


def render_email(compiled: CompiledContent, context: Mapping[str, Any]) -> Rendered:
    """One contact's mail. Values are escaped in the HTML; the subject is one line, whatever the values hold."""
    facts = liquid.prepare(context)
    subject = one_line(liquid.render(compiled.subject, facts, html=False, locale=compiled.locale))
    html = _render_html(compiled, facts)
    if hrefs.depends_on_values(compiled.html):
        hrefs.check_rendered(html)
    return Rendered(
        subject=subject,
        html=html,
        text=plaintext.tidy(liquid.render(compiled.text, facts, html=False, locale=compiled.locale)),
    )


def compile_in_app(*, html: str, title: str = "", locale: str = "en") -> CompiledContent:
    """An HTML fragment for the host application's page: no style, no script, no class, only safe addresses."""
    liquid.parse(title, html=False, locale=locale)
    liquid.parse(html, html=True, locale=locale)
    kept = mask.Mask(html)
    refused: list[str] = []
    clean = _sanitise(kept.text, LINK_SCHEMES | {"http"}, functools.partial(_written_whole, kept, refused))
    if refused:
        raise TemplateError(
            f"Addresses start with https://, mailto: or tel:, a picture's with https://, unlike "
            f"{kept.restore(refused[0])[:40]!r}.",
            code="BAD_ADDRESS",
        )
    compiled = CompiledContent(
        one_line(title), kept.restore(clean), kept.restore(plaintext.html_to_text(clean)), locale
    )
    liquid.parse(compiled.html, html=True, locale=locale, limit=limits.LARGEST_OUTPUT)
    return compiled


def render_in_app(compiled: CompiledContent, context: Mapping[str, Any]) -> Rendered:
    """Sanitised once more after the values are in, so no value can become an address that runs something.

    The whole says its language and direction: the page around it is the host application's and may be in another.
    """
    facts = liquid.prepare(context)
    clean = clean_fragment(_render_html(compiled, facts))
    html = f'<div lang="{escape(compiled.locale)}" dir="{direction(compiled.locale)}">{clean}</div>'
    return Rendered(
        subject=one_line(liquid.render(compiled.subject, facts, html=False, locale=compiled.locale)),
        html=html,
        text=plaintext.html_to_text(html),
    )


def compile_text(*, text: str, title: str = "", locale: str = "en") -> CompiledContent:
    """A text message or a task: no HTML anywhere."""
    for source in (title, text):
        liquid.parse(source, html=False, locale=locale)
    return CompiledContent(one_line(title), "", text.strip(), locale)


def render_text(compiled: CompiledContent, context: Mapping[str, Any]) -> Rendered:
    facts = liquid.prepare(context)
    return Rendered(
        subject=one_line(liquid.render(compiled.subject, facts, html=False, locale=compiled.locale)),
        html="",
        text=plaintext.tidy(liquid.render(compiled.text, facts, html=False, locale=compiled.locale)),
    )


def _render_html(compiled: CompiledContent, context: Mapping[str, Any]) -> str:
    """A line of compiled HTML means nothing to the author, so an error here has none."""
    try:
        return liquid.render(compiled.html, context, html=True, locale=compiled.locale)
    except TemplateError as error:
        raise TemplateError(error.message, code=error.code, variable=error.variable) from error


def one_line(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()


def clean_fragment(html: str) -> str:
    """What may stand in a page of the host application, as `static/inapp/crescendo.js` would draw it: an address that
    is no whole one, or a picture's without https, is left out."""
    return _sanitise(html, LINK_SCHEMES | {"http"}, _kept_address)


def _kept_address(_tag: str, attribute: str, value: str) -> str | None:
    return value if attribute not in ("href", "src") or hrefs.is_for_a_page(attribute, value.strip()) else None


def _written_whole(kept: mask.Mask, refused: list[str], _tag: str, attribute: str, value: str) -> str | None:
    """Notes what may not be saved. What begins with a value is judged once that is in."""
    bare = value.strip()
    if attribute not in ("href", "src") or not bare or kept.leading(bare) is not None:
        return value
    is_http = bare.lower().startswith("http:")
    if not hrefs.is_for_a_page(attribute, bare):
        refused.append(bare)
    return None if is_http else value


def _sanitise(html: str, schemes: set[str], look: Callable[[str, str, str], str | None]) -> str:
    """TemplateError for a fragment of so many tags that a parser which repairs their nesting would take long."""
    if html.count("<") > _MOST_TAGS:
        raise TemplateError(f"The message has more than {_MOST_TAGS} tags.", code="TOO_MUCH")
    clean = nh3.clean(
        html,
        tags=_IN_APP_TAGS,
        attributes=_IN_APP_ATTRIBUTES,
        url_schemes=schemes,
        attribute_filter=look,
        clean_content_tags={"script", "style", "iframe", "object", "svg", "math", "template", "noscript"},
        link_rel="noopener noreferrer",
    )
    if clean.count("<") > 4 * _MOST_TAGS:
        raise TemplateError("The tags of the message are not closed where they should be.", code="TOO_MUCH")
    return clean
