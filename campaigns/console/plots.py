"""Figures drawn on the server as SVG: ranges around estimates, evidence over time, bars.

Positions are attributes, never styles, so that a strict content policy holds. The numbers stand beside them as text;
so the drawings are hidden from assistive technology.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# The shape that tells a variant apart without its colour, around the origin.
_SHAPES = {
    "a": SafeString('<circle class="cr-dot v-a" r="6.5"/>'),
    "b": SafeString('<rect class="cr-dot v-b" x="-6.5" y="-6.5" width="13" height="13" rx="1.5"/>'),
    "c": SafeString('<path class="cr-dot v-c" d="M0-8 8 0 0 8-8 0z"/>'),
    "d": SafeString('<path class="cr-dot v-d" d="M0-8 8 6.5H-8z"/>'),
    "quiet": SafeString('<circle class="cr-dot is-quiet" r="6.5"/>'),
}
# The marks of variants in the order of the design.
MARKS = "abcd"
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0)
# Differences below this are none.
_NOTHING = 1e-9
HEIGHT = 250
_TOP, _BOTTOM = 16.0, 211.0


@dataclass(frozen=True, slots=True)
class Axis:
    """From the first tick to the last; zero is always one of them."""

    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Percent of the width, kept inside the plot."""
        low, high = self.ticks[0], self.ticks[-1]
        return min(max((value - low) / (high - low) * 100, 0.0), 100.0)


@dataclass(frozen=True, slots=True)
class Moment:
    """The estimate and its range on one day; `label` is the day in words."""

    label: str
    estimate: float
    low: float
    high: float


def make_axis(values: Sequence[float], *, most: int = 7) -> Axis:
    """Round ticks around zero and all values; at most so many."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if high - low < _NOTHING:
        low, high = -1.0, 1.0
    rough = (high - low) / (most - 1)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    for factor in _STEPS:
        step = factor * magnitude
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first + 1 <= most:
            break
    if last - first < 2:
        first, last = first - (first == 0), last + (last == 0)
    return Axis(tuple(round(place * step, 10) for place in range(first, last + 1)))


def stretch(axis: Axis, values: Sequence[float]) -> Axis:
    """The same axis for numbers of another unit: its zero stays where it is, and all of them fit."""
    low, high = axis.ticks[0], axis.ticks[-1]
    needed = [value / (high if value > 0 else low) for value in values if value and (high if value > 0 else low)]
    factor = max(needed, default=1.0) or 1.0
    return Axis(tuple(tick * factor for tick in axis.ticks))


def interval(
    *, axis: Axis, low: float, estimate: float, high: float, mark: str, limit: float | None = None
) -> SafeString:
    """One row of a plot: zero line, the range, the estimate with its variant's mark, a dashed limit."""
    tone = "is-quiet" if mark == "quiet" else f"v-{mark}"
    return format_html(
        '<svg class="cr-chart" aria-hidden="true" focusable="false">'
        '<line class="cr-zero" x1="{zero}%" x2="{zero}%" y1="0" y2="100%"/>{limit}'
        '<line class="cr-whisk {tone}" x1="{low}%" x2="{high}%" y1="50%" y2="50%"/>'
        '<svg x="{place}%" y="50%" overflow="visible">{shape}</svg></svg>',
        zero=_number(axis.place(0)),
        limit=_limit(axis, limit),
        tone=tone,
        low=_number(axis.place(low)),
        high=_number(axis.place(high)),
        place=_number(axis.place(estimate)),
        shape=_SHAPES[mark],
    )


def frame(*, axis: Axis, limit: float | None = None) -> SafeString:
    """A row without a range yet: where zero and the limit are."""
    return format_html(
        '<svg class="cr-chart" aria-hidden="true" focusable="false">'
        '<line class="cr-zero" x1="{zero}%" x2="{zero}%" y1="0" y2="100%"/>{limit}</svg>',
        zero=_number(axis.place(0)),
        limit=_limit(axis, limit),
    )


def scale(*, axis: Axis, labels: Sequence[str]) -> SafeString:
    """The ticks under a plot; every second one disappears on a phone."""
    rows = [
        ("cr-tick-2" if place % 2 else "", _number(axis.place(tick)), label)
        for place, (tick, label) in enumerate(zip(axis.ticks, labels, strict=True))
    ]
    texts = format_html_join("", '<text class="{}" x="{}%" y="15" text-anchor="middle">{}</text>', rows)
    return format_html('<svg class="cr-chart" aria-hidden="true" focusable="false">{}</svg>', texts)


def bar(*, share: float, mark: str) -> SafeString:
    """A bar that begins at zero; `share` of the whole width."""
    return format_html(
        '<svg class="cr-bar" height="8" aria-hidden="true" focusable="false">'
        '<rect class="v-{}" x="0%" width="{}%" height="8"/></svg>',
        mark,
        _number(min(max(share, 0.0), 1.0) * 100),
    )


def evidence(
    *,
    moments: Sequence[Moment],
    mark: str,
    labels: Sequence[str],
    axis: Axis,
    left_zero: int | None,
    note: str,
    rtl: bool,
) -> SafeString:
    """The estimate with its range from the first day to the last, in the reader's direction.

    `labels` are those of the ticks, `left_zero` the place of the day since which the range has not touched zero,
    named by `note`.
    """
    count = len(moments)
    xs = [(place / (count - 1) if count > 1 else 0.5) * 1000 for place in range(count)]
    xs = [1000 - x for x in xs] if rtl else xs
    upper = [(x, _y(axis, one.high)) for x, one in zip(xs, moments, strict=True)]
    lower = [(x, _y(axis, one.low)) for x, one in zip(xs, moments, strict=True)]
    middle = [(x, _y(axis, one.estimate)) for x, one in zip(xs, moments, strict=True)]
    return format_html(
        '<svg class="cr-chart" height="{height}" aria-hidden="true" focusable="false">{grid}'
        '<svg class="v-{mark}" width="100%" height="{height}" viewBox="0 0 1000 {height}" preserveAspectRatio="none">'
        '<polygon class="cr-band" points="{band}"/><polyline class="cr-edge" points="{upper}"/>'
        '<polyline class="cr-edge" points="{lower}"/><polyline class="cr-line" points="{middle}"/></svg>'
        "{ticks}{left}{days}</svg>",
        height=HEIGHT,
        grid=_grid(axis),
        mark=mark,
        band=_points([*upper, *reversed(lower)]),
        upper=_points(upper),
        lower=_points(lower),
        middle=_points(middle),
        ticks=_value_labels(axis, labels, rtl),
        left=_left_zero(axis, xs, left_zero, note, rtl),
        days=_day_labels(moments, xs, rtl),
    )


def since_it_left_zero(moments: Sequence[Moment]) -> int | None:
    """The first place from which on the range never touches zero again; None while it does."""
    found = None
    for place in range(len(moments) - 1, -1, -1):
        if moments[place].low <= 0 <= moments[place].high:
            break
        found = place
    return found


def evidence_axis(moments: Sequence[Moment]) -> Axis:
    """What the newest ranges need, with room for the older ones: the first days' would flatten all the rest."""
    newest = moments[len(moments) // 8 :] or moments
    low, high = min(one.low for one in newest), max(one.high for one in newest)
    return make_axis([low, high], most=6)


def _limit(axis: Axis, limit: float | None) -> SafeString:
    if limit is None:
        return SafeString("")
    place = _number(axis.place(limit))
    return format_html('<line class="cr-limit" x1="{0}%" x2="{0}%" y1="0" y2="100%"/>', place)


def _grid(axis: Axis) -> SafeString:
    rows = [("cr-zero" if tick == 0 else "cr-grid", _number(_y(axis, tick))) for tick in axis.ticks]
    lines = [(kind, y, y) for kind, y in rows]
    return format_html_join("", '<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>', lines)


def _value_labels(axis: Axis, labels: Sequence[str], rtl: bool) -> SafeString:
    side = ("100%", "end") if rtl else ("0", "start")
    rows = [
        (side[0], _number(_y(axis, tick) - 5), side[1], label) for tick, label in zip(axis.ticks, labels, strict=True)
    ]
    return format_html_join("", '<text class="t-halo" x="{}" y="{}" text-anchor="{}">{}</text>', rows)


def _left_zero(axis: Axis, xs: Sequence[float], place: int | None, note: str, rtl: bool) -> SafeString:
    if place is None:
        return SafeString("")
    x, zero = xs[place] / 10, _y(axis, 0)
    # Below zero there is room only when the axis goes there; the words stand on the side where the chart is.
    end = zero + 49 if zero + 62 < _BOTTOM else zero - 49
    is_late = place > len(xs) / 2
    anchor = "start" if is_late == rtl else "end"
    return format_html(
        '<line class="cr-grid" x1="{x}%" x2="{x}%" y1="{zero}" y2="{end}"/>'
        '<text class="t-ink t-halo{rtl}" x="{x}%" y="{words}" text-anchor="{anchor}">{note}</text>',
        x=_number(x),
        zero=_number(zero),
        end=_number(end),
        rtl=" t-rtl" if rtl else "",
        words=_number(end + 12 if end > zero else end - 4),
        # In a right-to-left text "start" is its right end.
        anchor={"start": "end", "end": "start"}[anchor] if rtl else anchor,
        note=note,
    )


def _day_labels(moments: Sequence[Moment], xs: Sequence[float], rtl: bool) -> SafeString:
    count = len(moments)
    places = sorted({round(part * (count - 1)) for part in (0, 0.25, 0.5, 0.75, 1)}) if count > 1 else [0]
    rows = []
    for order, place in enumerate(places):
        anchor = "middle"
        if count > 1 and place in (0, count - 1):
            anchor = "start" if (place == 0) != rtl else "end"
        rows.append(("cr-tick-2" if order % 2 else "", _number(xs[place] / 10), anchor, moments[place].label))
    return format_html_join("", '<text class="{}" x="{}%" y="246" text-anchor="{}">{}</text>', rows)


def _y(axis: Axis, value: float) -> float:
    return _BOTTOM - axis.place(value) / 100 * (_BOTTOM - _TOP)


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.0f},{y:.1f}" for x, y in pairs)


def _number(value: float) -> str:
    """Always with a point: an SVG attribute knows no other."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
