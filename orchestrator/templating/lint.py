"""Everything that is wrong with a content, found before anybody gets it: one Problem per finding, never a crash."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator.templating import hrefs, liquid, message, sms, webhook
from orchestrator.templating.errors import Problem, TemplateError

UNSUBSCRIBE = "links.unsubscribe"
# What each kind of content is made of; the first field is the one that must not be empty.
FIELDS = {
    "email": ("mjml", "subject", "text"),
    "in_app": ("html", "title"),
    "sms": ("text",),
    "csm_task": ("text", "title"),
    "webhook": ("body", "url"),
}
# Nobody reads more of them at once, and looking for the right name takes its time.
_MOST_UNKNOWN = 20
_LONGEST_NAME = 80
_HTML_FIELDS = {"mjml", "html"}


def check_content(
    *, kind: str, content: Mapping[str, str], allowed: Mapping[str, Any], locale: str = "en"
) -> list[Problem]:
    """Problems of one locale's content, errors first.

    `allowed`: dotted variable -> a sample value; a sample that is a mapping or list opens everything below it. The
    content is compiled and rendered once with the samples.
    """
    if kind not in FIELDS:
        return [Problem("UNKNOWN_KIND", f"There is no kind of message {kind!r}.", None)]
    problems = [*_unknown_fields(kind, content), *_empty_fields(kind, content)]
    for field in FIELDS[kind]:
        source = content.get(field) or ""
        for text in _texts(kind, field, source):
            problems += _check_field(field, text, allowed, locale)
    rendered = None
    if not problems:
        found, rendered = _try(kind, content, allowed, locale)
        problems += found
    problems += _warnings(kind, content, rendered, allowed.get(UNSUBSCRIBE))
    return sorted(problems, key=lambda problem: problem.level)


def sample_context(allowed: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings of the dotted samples."""
    context: dict[str, Any] = {}
    for name in sorted(allowed):
        *groups, last = name.split(".")
        place = context
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = dict(allowed[name]) if isinstance(allowed[name], Mapping) else allowed[name]
    return context


def _texts(kind: str, field: str, source: str) -> list[str]:
    """What is Liquid in a field: a webhook's body is JSON with texts in it, its address is no template at all."""
    if kind != "webhook":
        return [source]
    try:
        return webhook.texts_of(source) if field == "body" else []
    except TemplateError:
        return []  # trying it out says what is wrong


def _unknown_fields(kind: str, content: Mapping[str, str]) -> Iterable[Problem]:
    for field in content:
        if field not in FIELDS[kind]:
            known = ", ".join(FIELDS[kind])
            yield Problem("UNKNOWN_FIELD", f"A {kind} content has no {field!r}, only {known}.", None, field)


def _empty_fields(kind: str, content: Mapping[str, str]) -> Iterable[Problem]:
    main = FIELDS[kind][0]
    if not (content.get(main) or "").strip():
        yield Problem("EMPTY_CONTENT", "The message is empty.", None, main)
    if kind == "email" and not (content.get("subject") or "").strip():
        yield Problem("EMPTY_SUBJECT", "The subject is empty.", None, "subject")


def _check_field(field: str, source: str, allowed: Mapping[str, Any], locale: str) -> list[Problem]:
    try:
        liquid.parse(source, html=field in _HTML_FIELDS, locale=locale)
        used = liquid.variables_with_lines(source)
    except TemplateError as error:
        return [Problem(error.code, error.message, error.line, field)]
    problems: list[Problem] = []
    seen: set[str] = set()
    for name, line in used:
        if len(problems) == _MOST_UNKNOWN:
            break
        if name not in seen and not _is_allowed(name, allowed):
            problems.append(Problem("UNKNOWN_VARIABLE", _unknown(name, allowed), line, field))
        seen.add(name)
    return problems


def tell_unknown(*, name: str, allowed: Mapping[str, Any]) -> str:
    """Why a text cannot quote it whoever reads it; empty for a variable that there is."""
    return "" if _is_allowed(name, allowed) else _unknown(name, allowed)


def _is_allowed(name: str, allowed: Mapping[str, Any]) -> bool:
    if name in allowed:
        return True
    parts = name.split(".")
    above = (".".join(parts[:count]) for count in range(1, len(parts)))
    return any(isinstance(allowed.get(group), Mapping | list) for group in above)


def _unknown(name: str, allowed: Mapping[str, Any]) -> str:
    if any(one.startswith(f"{name}.") for one in allowed):
        return f"{name} is a group of variables: name one of them, such as {name}.…"
    close = difflib.get_close_matches(name, list(allowed), n=1) if len(name) <= _LONGEST_NAME else []
    if close:
        return f"There is no variable {name}. Did you mean {close[0]}?"
    return f"There is no variable {name}."


def _try(
    kind: str, content: Mapping[str, str], allowed: Mapping[str, Any], locale: str
) -> tuple[list[Problem], message.Rendered | None]:
    main = FIELDS[kind][0]
    try:
        compiled = _COMPILE[kind](locale=locale, **{field: value or "" for field, value in content.items()})
    except TemplateError as error:
        return [Problem(error.code, error.message, error.line, main)], None
    try:
        rendered = _RENDER[kind](compiled, sample_context(allowed))
    except TemplateError as error:
        return [Problem(error.code, error.message, error.line, main)], None
    return list(_empty_after_render(kind, rendered)), rendered


def _empty_after_render(kind: str, rendered: message.Rendered) -> Iterable[Problem]:
    if kind == "email" and not rendered.subject:
        yield Problem("EMPTY_SUBJECT", "The subject is empty once the variables are filled in.", None, "subject")
    if kind == "sms":
        size = sms.count_segments(rendered.text)
        length = len(rendered.text)
        if length > sms.LONGEST:
            words = f"With sample values this has {length} characters; a text message has at most {sms.LONGEST}."
            yield Problem("TOO_LONG", words, None, "text")
        elif size.segments > 1:
            words = f"With sample values this takes {size.segments} parts ({size.encoding}), each is paid for."
            yield Problem("SEVERAL_SEGMENTS", words, None, "text", "warning")


def _warnings(
    kind: str, content: Mapping[str, str], rendered: message.Rendered | None, link: object
) -> Iterable[Problem]:
    """What is read counts: a link that is named under a condition is none where the samples do not show it."""
    if kind != "email" or not (content.get("mjml") or "").strip():
        return
    try:
        used = liquid.used_variables(content["mjml"])
    except TemplateError:
        return
    if UNSUBSCRIBE not in used:
        words = "No unsubscribe link: a footer with one is added to marketing mail."
        yield Problem("NO_UNSUBSCRIBE_LINK", words, None, "mjml", "warning")
    elif rendered is not None and isinstance(link, str) and link and not hrefs.shows(rendered.html, link):
        words = "With sample values nobody sees the unsubscribe link: a footer with one is added to marketing mail."
        yield Problem("NO_UNSUBSCRIBE_LINK", words, None, "mjml", "warning")


_COMPILE: dict[str, Callable[..., message.CompiledContent]] = {
    "email": message.compile_email,
    "in_app": message.compile_in_app,
    "sms": message.compile_text,
    "csm_task": message.compile_text,
    "webhook": webhook.compile_webhook,
}
_RENDER: dict[str, Callable[[message.CompiledContent, Mapping[str, Any]], message.Rendered]] = {
    "email": message.render_email,
    "in_app": message.render_in_app,
    "sms": message.render_text,
    "csm_task": message.render_text,
    "webhook": webhook.render_webhook,
}
