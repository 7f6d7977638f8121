"""Liquid for marketers: strict, without files, with few tags, own filters and limits on everything that grows."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from io import StringIO
from itertools import groupby
from typing import Any, TextIO

from liquid import Environment, RenderContext
from liquid.ast import Node
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
    ResourceLimitError,
    UndefinedError,
)
from liquid.output import LimitedStringIO
from liquid.stringify import to_liquid_string
from liquid.undefined import FalsyStrictUndefined

from orchestrator.templating import limits, mask
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.filters import FILTERS
from orchestrator.templating.limits import (
    DEPTH,
    LARGEST_NAMESPACE,
    LARGEST_OUTPUT,
    LOOP_ITERATIONS,
    Budget,
    LimitedTemplate,
)

LARGEST_TEMPLATE = 100 * 1024
_SHORT = 16 * 1024
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
    limits.LoopTag,
    if_tag.IfTag,
    inline_comment_tag.InlineCommentTag,
    unless_tag.UnlessTag,
]


class _Value(Node):
    """A run of nodes that goes into a list of values instead of the output; what it costs is paid for each of the
    `times` that the whole template has it."""

    __slots__ = ("nodes", "times")

    def __init__(self, nodes: Sequence[Node], times: int) -> None:
        super().__init__(nodes[0].token)
        self.nodes = nodes
        self.times = times

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, limits.Context)
        before, parts = context.work, list[str]()
        for node in self.nodes:
            try:
                parts.append(_printed(node, context))
                context.keep(len(parts[-1]))
            except LiquidError as error:
                error.token = error.token or node.token
                raise
        context.spend((self.times - 1) * (context.work - before), self.token)
        context.values.append("".join(parts))
        return 0


def _printed(node: Node, context: RenderContext) -> str:
    """What a node writes; the most frequent kinds without a buffer."""
    if isinstance(node, output.OutputNode):
        text = to_liquid_string(node.expression.evaluate(context), context.autoescape)
    elif isinstance(node, content.ContentNode):
        text = node.text
    else:
        own = LimitedStringIO(limit=LARGEST_OUTPUT)
        node.render(context, own)
        return own.getvalue()
    return _line_feeds(text) if "\r" in text else text


def _line_feeds(text: str) -> str:
    """As the engine's buffer takes each piece that is written: every line break a line feed."""
    return StringIO(text, newline=None).getvalue()


class MarketerEnvironment(Environment):
    """`autoescape` for HTML, off for subjects and texts; `locale` is what money, number and date speak."""

    loop_iteration_limit = LOOP_ITERATIONS
    output_stream_limit = LARGEST_OUTPUT
    local_namespace_limit = LARGEST_NAMESPACE
    context_depth_limit = DEPTH
    block_nesting_limit = DEPTH
    template_class = LimitedTemplate

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


def parse(source: str, *, html: bool, locale: str, limit: int = LARGEST_TEMPLATE) -> LimitedTemplate:
    """The parsed template, from a bounded cache by content. TemplateError says what is wrong and where.

    `limit` in bytes; what a compiler made of a template may be longer than what a person wrote.
    """
    if len(source) * 4 > limit and len(source.encode()) > limit:
        raise TemplateError(f"The template is larger than {limit // 1024} KB.", code="TOO_LARGE")
    return _parse(source, html, locale)


def render(source: str, context: Mapping[str, Any], *, html: bool, locale: str, budget: Budget | None = None) -> str:
    """Render with plain facts. A missing, null or empty fact can be tested and defaulted, but not printed.

    `budget` where several templates make one message; without it the render has one of its own.
    TypeError for a context that holds anything but mappings, lists, text, numbers and dates.
    """
    template = parse(source, html=html, locale=locale, limit=LARGEST_OUTPUT)
    return _run(template, context, budget or Budget())[0]


def _run(template: LimitedTemplate, context: Mapping[str, Any], budget: Budget) -> tuple[str, list[str]]:
    """The output, and the values that were kept out of it."""
    facts = prepare(context)
    try:
        return template.render_within(budget, facts)
    except LiquidError as error:
        raise _explain(error) from error
    except Exception as error:
        # A marketer's template must never break a batch, whatever it provokes inside the engine.
        message = "The template cannot be rendered: a value has an unexpected type."
        raise TemplateError(message, code="RENDER") from error


@dataclass(frozen=True, slots=True)
class Parts:
    """A template cut at its Liquid: `fixed` is the same for everybody, and `order` says which value stands between.

    A value that is printed in several places is one.
    """

    fixed: tuple[str, ...]
    order: tuple[int, ...]
    values: LimitedTemplate

    def join(self, values: Sequence[str]) -> str:
        return self.fixed[0] + "".join(
            [values[place] + after for place, after in zip(self.order, self.fixed[1:], strict=True)]
        )


def cut(source: str, *, html: bool, locale: str, loose: bool = False) -> Parts:
    """Each maximal run of Liquid (a block with all that stands in it, outputs side by side) is one value.

    `loose`: blanks and line breaks beside a run belong to it, so that no fixed part begins or ends with one.
    """
    whole = parse(source, html=html, locale=locale, limit=LARGEST_OUTPUT)
    fixed, runs = [""], list[list[Node]]()
    for is_fixed, pieces in groupby(_pieces(whole.nodes, loose), key=lambda piece: piece[0]):
        found = [node for _, node in pieces]
        if is_fixed:
            fixed[-1] = "".join(_line_feeds(str(node)) for node in found)
        else:
            runs.append(found)
            fixed.append("")
    kinds = _kinds(runs, is_stateful=bool({"assign", "capture"} & whole.analyze().tags.keys()))
    numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
    times = Counter(kinds)
    values = LimitedTemplate(whole.env, [_Value(runs[kinds.index(kind)], times[kind]) for kind in numbers])
    return Parts(tuple(fixed), tuple(numbers[kind] for kind in kinds), values)


def _kinds(runs: Sequence[Sequence[Node]], *, is_stateful: bool) -> list[Hashable]:
    """The same for runs that say the same wherever they stand; a run at an end, or one that what ran before may
    change, stays by itself."""
    kinds: list[Hashable] = []
    for place, run in enumerate(runs):
        is_plain = all(isinstance(node, content.ContentNode | output.OutputNode) for node in run)
        shares = is_plain and not is_stateful and 0 < place < len(runs) - 1
        written = tuple((type(node), getattr(node, "text", node.token.value)) for node in run)
        kinds.append(written if shares else place)
    return kinds


def render_values(parts: Parts, context: Mapping[str, Any]) -> list[str]:
    """The values alone: `parts.join` makes of them exactly what `render` gives."""
    values = _run(parts.values, context, Budget())[1]
    # No more characters than a quarter of the limit's bytes cannot exceed it.
    sizes = [len(value) for value in values]
    if 4 * (sum(map(len, parts.fixed)) + sum(sizes[place] for place in parts.order)) > LARGEST_OUTPUT:
        _within_limit(parts.join(values))
    return values


def _within_limit(whole: str) -> None:
    if len(whole.encode()) > LARGEST_OUTPUT:
        raise _explain(ResourceLimitError("output stream limit reached", token=None))


def _pieces(nodes: Sequence[Node], loose: bool) -> Iterable[tuple[bool, Node]]:
    """Nodes in order, each with whether it is fixed text."""
    for node in nodes:
        if not isinstance(node, content.ContentNode):
            yield False, node
            continue
        text = node.text
        core = text.strip() if loose else text
        start = text.index(core)
        pieces = (False, text[:start]), (True, core), (False, text[start + len(core) :])
        yield from ((is_fixed, content.ContentNode(node.token, piece)) for is_fixed, piece in pieces if piece)


def prepare(context: Mapping[str, Any]) -> Facts:
    """The context as templates see it; worth doing once when several parts are rendered with it."""
    return context if isinstance(context, Facts) else _plain(context, 0)


def used_variables(source: str) -> set[str]:
    """Dotted names that the template takes from outside: `contact.first_name`. List indexes end a name."""
    return {name for name, _ in variables_with_lines(source)}


def variables_with_lines(source: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    breaks = [place for place, letter in enumerate(source) if letter == "\n"]
    for variables in parse(source, html=False, locale="en", limit=LARGEST_OUTPUT).analyze().globals.values():
        for variable in variables:
            name = ".".join(_leading_names(variable.segments))
            found.append((name, bisect.bisect_left(breaks, variable.span.index) + 1))
    return found


def _leading_names(segments: Iterable[Any]) -> Iterable[str]:
    for segment in segments:
        if not isinstance(segment, str):
            return
        yield segment


@lru_cache(maxsize=16)
def _environment(html: bool, locale: str) -> MarketerEnvironment:
    return MarketerEnvironment(autoescape=html, locale=locale)


def _parse(source: str, html: bool, locale: str) -> LimitedTemplate:
    """Long sources are few (a mail's HTML is one) and what is made of them is large, so they have a smaller cache."""
    return _parse_short(source, html, locale) if len(source) <= _SHORT else _parse_long(source, html, locale)


@lru_cache(maxsize=256)
def _parse_short(source: str, html: bool, locale: str) -> LimitedTemplate:
    return _parse_anew(source, html, locale)


@lru_cache(maxsize=64)
def _parse_long(source: str, html: bool, locale: str) -> LimitedTemplate:
    return _parse_anew(source, html, locale)


def _parse_anew(source: str, html: bool, locale: str) -> LimitedTemplate:
    try:
        limits.check_source(source)
        if html:
            mask.refuse_markup(source)
        template: LimitedTemplate = _environment(html, locale).from_string(source)  # type: ignore[assignment]
        limits.bind(template)
        _check_filters(template, source)
    except LiquidError as error:
        raise _explain(error, otherwise="SYNTAX") from error
    except (RecursionError, OverflowError, ValueError) as error:
        if isinstance(error, TemplateError):
            raise
        message = "The Liquid tags cannot be read: something in them is too deep or too large."
        raise TemplateError(message, code="TOO_MUCH") from error
    return template


def _check_filters(template: LimitedTemplate, source: str) -> None:
    """The engine looks filters up when it renders; a person wants to know when saving."""
    for name, spans in template.analyze().filters.items():
        if name not in FILTERS:
            message = f"There is no filter {name!r}. There are: {', '.join(sorted(FILTERS))}."
            line = source.count("\n", 0, spans[0].index) + 1
            raise TemplateError(message, code="UNKNOWN_FILTER", line=line)


def _plain(value: Any, depth: int) -> Any:
    """Only plain facts reach a template: mappings, lists, text, numbers, dates. Missing ones are left out."""
    if type(value) in _PLAIN_TYPES:
        return value
    if depth > DEPTH:
        raise TypeError("The context is nested too deeply.")
    if type(value) is dict or isinstance(value, Mapping):
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
