"""A webhook's body: JSON whose texts are Liquid. Names, numbers and the shape stay as they are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from orchestrator.templating import limits, liquid, mask
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent, Rendered

DEEPEST, MOST_TEXTS = 20, 500


def compile_webhook(*, url: str, body: str, locale: str = "en") -> CompiledContent:
    """`body` is the JSON document as text. Raises TemplateError."""
    for text in texts_of(body):
        liquid.parse(text, html=False, locale=locale)
    return CompiledContent(url, "", body, locale)


def render_webhook(compiled: CompiledContent, context: Mapping[str, Any]) -> Rendered:
    """`subject` is the address, `text` the body. Each text is filled in by itself, so that no value can break out; all
    pay from one budget."""
    facts, budget = liquid.prepare(context), limits.Budget()

    def fill_in(text: str) -> str:
        return liquid.render(text, facts, html=False, locale=compiled.locale, budget=budget)

    body = json.dumps(_with_texts(_read(compiled.text), fill_in), ensure_ascii=False, separators=(",", ":"))
    if len(body.encode()) > limits.LARGEST_OUTPUT:
        raise TemplateError("The body grows too large.", code="TOO_LARGE")
    return Rendered(subject=compiled.subject, html="", text=body)


def texts_of(body: str) -> list[str]:
    """The texts in a body. TemplateError where it is no JSON object, too large, too deep, or of too many texts or
    Liquid tags."""
    if len(body.encode()) > liquid.LARGEST_TEMPLATE:
        raise TemplateError(f"The body is larger than {liquid.LARGEST_TEMPLATE // 1024} KB.", code="TOO_LARGE")
    texts = list(_texts(_read(body), 0))
    if len(texts) > MOST_TEXTS:
        raise TemplateError(f"The body has more than {MOST_TEXTS} texts.", code="TOO_LARGE")
    if sum(1 for text in texts for _ in mask.regions(text)) > limits.REGIONS:
        raise TemplateError(f"The body has more than {limits.REGIONS} Liquid tags.", code="TOO_MUCH")
    return texts


def _read(body: str) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise TemplateError("The body is no JSON object.", code="NO_JSON")
    return read


def _texts(value: object, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise TemplateError(f"The body is nested more than {DEEPEST} deep.", code="TOO_DEEP")
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one, depth + 1)


def _with_texts(value: Any, fill_in: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return fill_in(value)
    if isinstance(value, dict):
        return {name: _with_texts(one, fill_in) for name, one in value.items()}
    return [_with_texts(one, fill_in) for one in value] if isinstance(value, list) else value
