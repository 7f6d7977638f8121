"""Which facts a template cannot do without: those it prints where nothing stands in for one that is missing. And which
decide what is said: those it compares, those it picks a form for, and those it asks whether they are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from liquid import RenderContext
from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.expressions import FilteredExpression, LoopExpression, Path, StringLiteral
from liquid.builtin.expressions.logical import (
    BooleanExpression,
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalNotExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression

from orchestrator.templating import liquid
from orchestrator.templating.limits import LARGEST_OUTPUT

type Names = frozenset[str]

_NONE: Names = frozenset()
_COMPARISONS = (
    EqExpression,
    NeExpression,
    LtExpression,
    LeExpression,
    GtExpression,
    GeExpression,
    ContainsExpression,
)
# Of a number, one of several wordings.
_PICKS = "plural"
# Under a name of the template's own a fact may decide, too.
_RENAMING = frozenset({"assign", "capture", "for", "tablerow", "increment", "decrement"})


@dataclass(slots=True)
class Needs:
    """Dotted names. Without one of `bare` the template is not rendered at all; one of `blanked` is printed as nothing
    where it is missing."""

    bare: set[str] = field(default_factory=set)
    blanked: set[str] = field(default_factory=set)


def find_needs(source: str) -> Needs:
    """What is defaulted to a text, or printed only under a condition about it, is no need. TemplateError as `parse`."""
    template = liquid.parse(source, html=False, locale="en", limit=LARGEST_OUTPUT)
    found = Needs()
    context = RenderContext(template)
    for node in template.nodes:
        _look(node, _NONE, context, found)
    outside = liquid.used_variables(source)
    return Needs(found.bare & outside, (found.blanked & outside) - found.bare)


@dataclass(frozen=True, slots=True)
class Deciding:
    """Dotted names. What is said hangs on the values of `compared`, on the form of `plural` that goes with the numbers
    `picked` by, and on whether those `asked` for are there."""

    compared: Names = _NONE
    picked: Names = _NONE
    asked: Names = _NONE

    def __or__(self, other: Deciding) -> Deciding:
        return Deciding(self.compared | other.compared, self.picked | other.picked, self.asked | other.asked)


def find_deciding(source: str) -> Deciding:
    """All that it uses, where it compares or asks for something that it made itself. TemplateError as `parse`."""
    template = liquid.parse(source, html=False, locale="en", limit=LARGEST_OUTPUT)
    compared, picked, asked, run_through = set[str](), set[str](), set[str](), set[str]()
    for node in _below(template.nodes, RenderContext(template)):
        for expression in _within(node.expressions()):
            if _is_picked(expression):
                picked |= set(_names([expression]))
            elif isinstance(expression, _COMPARISONS) or _has_filter(expression, _PICKS):
                compared |= set(_names([expression]))
            if isinstance(expression, BooleanExpression) or _has_filter(expression, "default"):
                asked |= set(_names([expression]))
            if isinstance(expression, LoopExpression):
                run_through |= set(_names([expression]))
        if isinstance(node, CaseNode | MultiExpressionBlockNode):
            compared |= set(_names(node.expressions()))
    used = liquid.used_variables(source)
    if _RENAMING & template.analyze().tags.keys():
        compared = used if compared or not picked <= used else compared
        asked = used if asked else asked
    compared |= run_through
    return Deciding(frozenset(compared & used), frozenset(picked & used), frozenset(asked & used))


def _below(nodes: Iterable[Node], context: RenderContext) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _below(node.children(context), context)


def _within(expressions: Iterable[Expression]) -> Iterator[Expression]:
    waiting = list(expressions)
    while waiting:
        expression = waiting.pop()
        yield expression
        waiting.extend(expression.children())


def _is_picked(expression: Expression) -> bool:
    """A fact as it is, with nothing but a form for its number."""
    return (
        isinstance(expression, FilteredExpression)
        and isinstance(expression.left, Path)
        and [one.name for one in expression.filters or ()] == [_PICKS]
        and set(_names([expression])) == {_name(expression.left)}
    )


def _has_filter(expression: Expression, name: str) -> bool:
    return isinstance(expression, FilteredExpression) and any(one.name == name for one in expression.filters or ())


def _look(node: Node, held: Names, context: RenderContext, found: Needs) -> None:
    """`held` are the names that have a value wherever this node is reached."""
    for inner, more in _inside(node, context):
        _look(inner, held | more, context, found)
    if not isinstance(node, IfNode | UnlessNode | CaseNode | ConditionalBlockNode | MultiExpressionBlockNode):
        # A missing fact may be asked about: only printing it fails.
        for expression in node.expressions():
            _weigh(expression, held, found)


def _inside(node: Node, context: RenderContext) -> Iterator[tuple[Node, Names]]:
    """The nodes within, each with the names that its condition makes sure of."""
    if isinstance(node, IfNode):
        yield node.consequence, _sure_of(node.condition)
        yield from ((one, _NONE) for one in [*node.alternatives, node.default] if one is not None)
    elif isinstance(node, UnlessNode):
        yield node.consequence, _NONE
        yield from ((one, _NONE) for one in node.alternatives)
        if node.default is not None:
            yield node.default, _sure_of(node.condition)
    elif isinstance(node, ConditionalBlockNode):
        yield node.block, _sure_of(node.expression)
    elif isinstance(node, CaseNode):
        for block in node.blocks:
            is_matched = isinstance(block, MultiExpressionBlockNode)
            yield block, _sure_of(node.expression) if is_matched else _NONE
    else:
        yield from ((one, _NONE) for one in node.children(context))


def _sure_of(condition: Expression) -> Names:
    if isinstance(condition, BooleanExpression):
        return _sure_of(condition.expression)
    if isinstance(condition, LogicalAndExpression):
        return _sure_of(condition.left) | _sure_of(condition.right)
    if isinstance(condition, LogicalOrExpression):
        return _sure_of(condition.left) & _sure_of(condition.right)
    if isinstance(condition, LogicalNotExpression):
        return _NONE
    if isinstance(condition, EqExpression | NeExpression):
        # Of `== blank` and `!= "x"` a missing fact may be the reason.
        is_known = isinstance(condition, EqExpression) and not _is_nothing(condition.right)
        return frozenset(_names([condition.left])) if is_known or _asks_for_something(condition) else _NONE
    return frozenset(_names([condition]))


def _asks_for_something(condition: Expression) -> bool:
    return isinstance(condition, NeExpression) and _is_nothing(condition.right)


def _is_nothing(expression: Expression) -> bool:
    return str(expression) in ("nil", "null", "blank", "empty", "''", '""', "")


def _names(expressions: Iterable[Expression]) -> Iterator[str]:
    for one in expressions:
        if isinstance(one, Path):
            yield _name(one)
        yield from _names(one.children())


def _name(path: Path) -> str:
    """As `liquid.used_variables` has it."""
    names = []
    for segment in path.path:
        if not isinstance(segment, str):
            break
        names.append(segment)
    return ".".join(names)


def _weigh(expression: Expression, held: Names, found: Needs) -> None:
    if isinstance(expression, Path) and _name(expression) not in held:
        found.bare.add(_name(expression))
    children = list(expression.children())
    if isinstance(expression, FilteredExpression) and expression.filters and expression.filters[0].name == "default":
        # Only the first filter gets the fact itself.
        children = [one for one in children if one is not expression.left]
        instead = list(expression.filters[0].children())
        if not instead or (isinstance(instead[0], StringLiteral) and not instead[0].value):
            found.blanked |= set(_names([expression.left])) - held
    for one in children:
        _weigh(one, held, found)
