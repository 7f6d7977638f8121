"""What one render may cost: every read, filter and turn of a loop is paid from one budget that time has no part in.

A budget and no clock, so that a template which renders on an idle machine renders on a busy one too. Sizes, numbers
and lists are bounded besides; tests/fixtures/templates/hostile holds what has been tried against all of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from liquid import RenderContext
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags import for_tag
from liquid.exceptions import (
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    ResourceLimitError,
)
from liquid.expression import Expression
from liquid.template import BoundTemplate
from liquid.token import Token
from liquid.utils import ReadOnlyChainMap

from orchestrator.templating import mask
from orchestrator.templating.errors import TemplateError

LARGEST_OUTPUT = 512 * 1024
LARGEST_NAMESPACE = 2 * 1024 * 1024
LOOP_ITERATIONS = 10_000
DEPTH = 20
# One unit is about 50 ns on an idle machine; an honest mail takes some thousands.
WORK = 3_000_000
# NUL, and half of a character: JSON can carry both, no text can.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_STEP = 10
_READ = 10
_FILTER = 30
_RECKONED = 100
_FORMATTED = 600
_COSTS = {
    **dict.fromkeys(("plus", "minus", "times", "divided_by", "round"), _RECKONED),
    **dict.fromkeys(("date", "money", "number", "plural"), _FORMATTED),
}
_COPIED_PER_UNIT = 20
# What the engine answers of any group or list.
_COUNTED = frozenset({"size", "first", "last"})
# Outside of loops: what the engine pushes for the whole render, variables, facts, counters.
_SCOPES = 4
# Text is copied, compared and searched at several characters per nanosecond, escaped and folded at some nanoseconds
# per character.
_CHARACTERS_PER_UNIT = 4

REGIONS = 1_000
_RAW_BLOCKS = 50
_LONGEST_REGION = 4_000
_BRACKETS = 10


class Context(RenderContext):
    """No system clock in scope; loops, reads and variables are counted over the whole render, not per nesting."""

    __slots__ = ("facts", "iterations", "kept", "namespace_size", "turn_cost", "values", "work")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)
        self.iterations = 0
        self.namespace_size = 0
        self.work = 0
        self.turn_cost = 0
        self.kept = 0
        self.values: list[str] = []
        self.facts: Mapping[str, object] = {}

    def spend(self, units: int, token: Token | None = None) -> None:
        self.work += units
        if self.work > WORK:
            raise ResourceLimitError("it reads and reckons too much", token=token)

    def get(self, path: list[object], *, token: Token | None, **default: object) -> object:
        found = self._field(path)
        if found is None:
            found = super().get(path, token=token, **default)
        self.spend(_READ + _size(found), token)
        return found

    def _field(self, path: list[object]) -> object:
        """What most paths name, a field of a group that is there; None leaves all else to the engine, which takes four
        times as long."""
        scopes = self.scope._maps
        root = path[0]
        if len(scopes) != _SCOPES or type(root) is not str or root in scopes[0] or root in self.locals:
            return None
        found = self.facts.get(root)
        for segment in path[1:]:
            if type(segment) is not str or segment in _COUNTED or not isinstance(found, dict):
                return None
            found = found.get(segment)
        return found

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        """The filter, paying for what it takes and what it gives, neither of which may be longer than a message."""
        function = super().filter(name, token)
        cost = _COSTS.get(name, _FILTER)

        def paid(value: object, *args: object, **kwargs: object) -> object:
            self.spend(cost + _size(value), token)
            made = function(value, *args, **kwargs)
            size = _size(made)
            if size > LARGEST_OUTPUT // _CHARACTERS_PER_UNIT:
                raise ResourceLimitError(f"what {name} makes is too long", token=token)
            self.spend(size, token)
            return made

        return paid

    def assign(self, key: str, val: Any) -> None:
        old = sys.getsizeof(self.locals[key], default=1) if key in self.locals else 0
        self._grow(sys.getsizeof(val, default=1) - old)
        self.spend(_READ + _size(val))
        self.locals[key] = val

    def cycle(self, key: object, length: int) -> int:
        if key not in self.tag_namespace["cycles"]:
            self._grow(sys.getsizeof(key, default=1))
        return super().cycle(key, length)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """All turns are paid for before the first one; what they read and call is paid for as it happens."""
        self.iterations += length
        if self.iterations > LOOP_ITERATIONS or self.work + length * self.turn_cost > WORK:
            raise LoopIterationLimitError("the loops run too often", token=None)
        self.work += length * self.turn_cost

    def keep(self, length: int) -> None:
        """So many characters more go into `values`, which may not be longer than an output either."""
        self.kept += length
        if self.kept > LARGEST_OUTPUT:
            raise OutputStreamLimitError("output stream limit reached", token=None)

    def _grow(self, size: int) -> None:
        self.namespace_size += size
        if self.namespace_size > LARGEST_NAMESPACE:
            raise LocalNamespaceLimitError("the variables grow too large", token=None)


@dataclass(slots=True)
class Budget:
    """What several renders pay from together; `spent` of WORK so far."""

    spent: int = 0


class LimitedTemplate(BoundTemplate):
    context_class = Context

    def render_within(self, budget: Budget, facts: Mapping[str, object]) -> tuple[str, list[str]]:
        """The output, and the values that were kept out of it."""
        context = Context(self, globals=self.make_globals(facts))
        context.work, context.facts = budget.spent, facts
        buffer = self._get_buffer()
        try:
            self.render_with_context(context, buffer)
        finally:
            budget.spent = context.work
        return buffer.getvalue(), context.values


class LoopNode(for_tag.ForNode):
    """A loop that knows what one turn of it costs, loops inside it not counted: they pay for themselves."""

    __slots__ = ("turn_cost",)
    turn_cost: int

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        context.turn_cost = self.turn_cost  # type: ignore[attr-defined]
        return super().render_to_output(context, buffer)


class LoopTag(for_tag.ForTag):
    node_class = LoopNode


class _ShortRange(RangeLiteral):
    """A range is a list to everything that searches, joins or reverses it."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if made and made[-1] - made[0] >= LOOP_ITERATIONS:
            raise LoopIterationLimitError("the loops run too often", token=self.token)
        return made


def check_source(source: str) -> None:
    """All tags closed, few and short enough that the engine's parser stays quick. Raises TemplateError."""
    broken = _UNWRITABLE.search(source)
    if broken:
        line = source.count("\n", 0, broken.start()) + 1
        raise TemplateError("A character here can neither be stored nor sent. Take it out.", code="SYNTAX", line=line)
    raw = count = 0
    for region in mask.regions(source):
        count += 1
        raw += region.inner == "raw"
        if len(region.text) > _LONGEST_REGION or region.text.count("[") > _BRACKETS:
            line = source.count("\n", 0, region.start) + 1
            message = f"A Liquid tag is longer than {_LONGEST_REGION} characters or has more than {_BRACKETS} brackets."
            raise TemplateError(message, code="TOO_MUCH", line=line)
    if count > REGIONS:
        raise TemplateError(f"The template has more than {REGIONS} Liquid tags.", code="TOO_MUCH")
    if raw > _RAW_BLOCKS:
        raise TemplateError(f"The template has more than {_RAW_BLOCKS} raw blocks.", code="TOO_MUCH")


def bind(template: BoundTemplate) -> None:
    """Put on the parsed template what belongs to it alone: the cost of each loop's turn, and bounds on its ranges."""
    context = RenderContext(template)
    _cost(template.nodes, context)


def _cost(nodes: Iterable[Node], context: RenderContext) -> int:
    """Of running these nodes once. No deeper than the parser lets blocks nest."""
    total = 0
    for node in nodes:
        total += _STEP
        if isinstance(node, ContentNode):
            total += len(node.text) // _COPIED_PER_UNIT
        for expression in _below(node.expressions()):
            total += _STEP
            if type(expression) is RangeLiteral:
                # The engine's parser names its classes itself; the two have the same slots.
                expression.__class__ = _ShortRange
        inside = _cost(node.children(context), context)
        if isinstance(node, LoopNode):
            node.turn_cost = inside
        else:
            total += inside
    return total


def _below(expressions: Iterable[Expression]) -> Iterator[Expression]:
    waiting = list(expressions)
    while waiting:
        expression = waiting.pop()
        yield expression
        waiting.extend(expression.children())


def _size(value: object) -> int:
    if type(value) is str:
        return len(value) // _CHARACTERS_PER_UNIT
    if isinstance(value, str | list | tuple | range):
        return len(value) // _CHARACTERS_PER_UNIT
    return 0
