"""Liquid for marketers: strict, without files, with few tags, own filters and limits on everything that grows."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from liquid import Environment, RenderContext
from liquid.builtin import content, illegal, output
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    echo_tag,
    for_tag,
    if_tag,
    inline_comment_tag,
    unless_tag,
)
from liquid.exceptions import (
    LiquidError,
    LiquidSyntaxError,
    LiquidTypeError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    ResourceLimitError,
    UndefinedError,
)
from liquid.template import BoundTemplate
from liquid.undefined import FalsyStrictUndefined
from liquid.utils import ReadOnlyChainMap

from orchestrator.templating import mask
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.filters import FILTERS

LARGEST_TEMPLATE = 100 * 1024
LARGEST_OUTPUT = 512 * 1024
LARGEST_NAMESPACE = 2 * 1024 * 1024
LOOP_ITERATIONS = 10_000
DEPTH = 20
# Iterations x characters of the template: what a loop over a huge body may cost.
LOOP_WORK = 20_000_000
_RAW_BLOCKS = 50
_PLAIN_TYPES = frozenset({str, int, bool, float, Decimal})

_TAGS: list[Any] = [
    content.Literal,
    output.Output,
    illegal.Illegal,
    assign_tag.AssignTag,
    capture_tag.CaptureTag,
    case_tag.CaseTag,
    comment_tag.CommentTag,
    cycle_tag.CycleTag,
    echo_tag.EchoTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    for_tag.ForTag,
    if_tag.IfTag,
    inline_comment_tag.InlineCommentTag,
    unless_tag.UnlessTag,
]


class _Context(RenderContext):
    """No system clock in scope; loops and variables are counted over the whole render, not per nesting."""

    __slots__ = ("iterations", "namespace_size")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)
        self.iterations = 0
        self.namespace_size = 0

    def assign(self, key: str, val: Any) -> None:
        old = sys.getsizeof(self.locals[key], default=1) if key in self.locals else 0
        self.namespace_size += sys.getsizeof(val, default=1) - old
        if self.namespace_size > LARGEST_NAMESPACE:
            raise LocalNamespaceLimitError("the variables grow too large", token=None)
        self.locals[key] = val

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.iterations += length
        source_length = getattr(self.template, "source_length", 0)
        if self.iterations > LOOP_ITERATIONS or self.iterations * source_length > LOOP_WORK:
            raise LoopIterationLimitError("the loops run too often", token=None)


class _Template(BoundTemplate):
    context_class = _Context
    source_length = 0


class MarketerEnvironment(Environment):
    """`autoescape` for HTML, off for subjects and texts; `locale` is what money, number and date speak."""

    loop_iteration_limit = LOOP_ITERATIONS
    output_stream_limit = LARGEST_OUTPUT
    local_namespace_limit = LARGEST_NAMESPACE
    context_depth_limit = DEPTH
    block_nesting_limit = DEPTH
    template_class = _Template

    def __init__(self, *, autoescape: bool, locale: str) -> None:
        self.locale = locale
        super().__init__(autoescape=autoescape, undefined=FalsyStrictUndefined)

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in _TAGS:
            self.add_tag(tag)
        self.filters.update(FILTERS)


class Facts(dict[str, Any]):
    """A group of fields. Printing one would show a person everything we know, so it is an error."""

    def __str__(self) -> str:
        raise LiquidTypeError("this is a group of fields, not one field", token=None)


def parse(source: str, *, html: bool, locale: str, limit: int = LARGEST_TEMPLATE) -> BoundTemplate:
    """The parsed template, from a bounded cache by content. TemplateError says what is wrong and where.

    `limit` in bytes; what a compiler made of a template may be longer than what a person wrote.
    """
    if len(source) * 4 > limit and len(source.encode()) > limit:
        raise TemplateError(f"The template is larger than {limit // 1024} KB.", code="TOO_LARGE")
    return _parse(source, html, locale)


def render(source: str, context: Mapping[str, Any], *, html: bool, locale: str) -> str:
    """Render with plain facts. A missing, null or empty fact can be tested and defaulted, but not printed.

    TypeError for a context that holds anything but mappings, lists, text, numbers and dates.
    """
    template = parse(source, html=html, locale=locale, limit=LARGEST_OUTPUT)
    facts = prepare(context)
    try:
        return template.render(facts)
    except LiquidError as error:
        raise _explain(error) from error
    except Exception as error:
        # A marketer's template must never break a batch, whatever it provokes inside the engine.
        message = "The template cannot be rendered: a value has an unexpected type."
        raise TemplateError(message, code="RENDER") from error


def prepare(context: Mapping[str, Any]) -> Facts:
    """The context as templates see it; worth doing once when several parts are rendered with it."""
    return context if isinstance(context, Facts) else _plain(context, 0)


def used_variables(source: str) -> set[str]:
    """Dotted names that the template takes from outside: `contact.first_name`. List indexes end a name."""
    return {name for name, _ in variables_with_lines(source)}


def variables_with_lines(source: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for variables in parse(source, html=False, locale="en", limit=LARGEST_OUTPUT).analyze().globals.values():
        for variable in variables:
            name = ".".join(_leading_names(variable.segments))
            found.append((name, source.count("\n", 0, variable.span.index) + 1))
    return found


def _leading_names(segments: Iterable[Any]) -> Iterable[str]:
    for segment in segments:
        if not isinstance(segment, str):
            return
        yield segment


@lru_cache(maxsize=16)
def _environment(html: bool, locale: str) -> MarketerEnvironment:
    return MarketerEnvironment(autoescape=html, locale=locale)


@lru_cache(maxsize=256)
def _parse(source: str, html: bool, locale: str) -> BoundTemplate:
    try:
        _check_tags(source)
        if html:
            mask.refuse_markup(source)
        template = _environment(html, locale).from_string(source)
    except LiquidError as error:
        raise _explain(error, otherwise="SYNTAX") from error
    _check_filters(template, source)
    template.source_length = len(source)  # type: ignore[attr-defined]
    return template


def _check_filters(template: BoundTemplate, source: str) -> None:
    """The engine looks filters up when it renders; a person wants to know when saving."""
    for name, spans in template.analyze().filters.items():
        if name not in FILTERS:
            message = f"There is no filter {name!r}. There are: {', '.join(sorted(FILTERS))}."
            line = source.count("\n", 0, spans[0].index) + 1
            raise TemplateError(message, code="UNKNOWN_FILTER", line=line)


def _check_tags(source: str) -> None:
    """All tags closed, and few enough `raw` ones that the engine's search for their ends stays short."""
    raw = sum(region.inner == "raw" for region in mask.regions(source))
    if raw > _RAW_BLOCKS:
        raise TemplateError(f"The template has more than {_RAW_BLOCKS} raw blocks.", code="TOO_MUCH")


def _plain(value: Any, depth: int) -> Any:
    """Only plain facts reach a template: mappings, lists, text, numbers, dates. Missing ones are left out."""
    if type(value) in _PLAIN_TYPES:
        return value
    if depth > DEPTH:
        raise TypeError("The context is nested too deeply.")
    if isinstance(value, Mapping):
        kept = ((key, one) for key, one in value.items() if one is not None and one != "")
        return Facts({str(key): _plain(one, depth + 1) for key, one in kept})
    if isinstance(value, list | tuple):
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool | int | float | Decimal | date):
        return value
    raise TypeError(f"A template's context cannot hold a {type(value).__name__}.")


def _explain(error: LiquidError, *, otherwise: str = "RENDER") -> TemplateError:
    line, words = _line(error), str(error.message).rstrip(".")
    if isinstance(error, UndefinedError):
        variable = words.removesuffix(" is undefined").strip("'")
        message = f'{variable} has no value here. Give it a fallback: {{{{ {variable} | default: "…" }}}}.'
        return TemplateError(message, code="MISSING_VALUE", line=line, variable=variable)
    if isinstance(error, LiquidSyntaxError):
        return TemplateError(f"The Liquid tags are not right: {words}.", code="SYNTAX", line=line)
    if isinstance(error, ResourceLimitError):
        return TemplateError(f"The template asks for too much: {words}.", code="TOO_MUCH", line=line)
    return TemplateError(f"The template cannot be used: {words}.", code=otherwise, line=line)


def _line(error: LiquidError) -> int | None:
    try:
        context = error.context()
    except ValueError:
        return None
    return context[0] if context else None
