from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.console import plots
from campaigns.console.plots import Axis, Moment

FINITE = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


@given(st.lists(FINITE, min_size=1, max_size=6))
def test_an_axis_has_zero_and_holds_every_value(values):
    axis = plots.make_axis(values)
    assert 0 in axis.ticks
    assert 3 <= len(axis.ticks) <= 7
    slack = 1e-6 * (axis.ticks[-1] - axis.ticks[0])
    assert axis.ticks[0] <= min(values) + slack
    assert axis.ticks[-1] >= max(values) - slack


@given(st.lists(FINITE, min_size=1, max_size=6), FINITE)
def test_nothing_is_drawn_outside_the_plot(values, value):
    assert 0 <= plots.make_axis(values).place(value) <= 100


def test_ticks_are_round_numbers():
    assert plots.make_axis([-1.9, 7.4]).ticks == (-2, 0, 2, 4, 6, 8)


def test_money_on_its_own_scale_keeps_the_zero_line():
    axis = Axis((-4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0))
    money = plots.stretch(axis, [0.07, 3.73])
    assert money.place(0) == pytest.approx(axis.place(0))
    assert money.place(3.73) == pytest.approx(100)


def test_a_range_is_drawn_with_its_variants_own_shape_and_the_limit():
    axis = Axis((-4.0, 0.0, 4.0, 8.0))
    figure = plots.interval(axis=axis, low=0.2, estimate=3.8, high=7.4, mark="b", limit=2)
    assert '<line class="cr-zero" x1="33.33%" x2="33.33%"' in figure
    assert '<line class="cr-whisk v-b" x1="35%" x2="95%"' in figure
    assert '<line class="cr-limit" x1="50%" x2="50%"' in figure
    assert '<rect class="cr-dot v-b"' in figure


def test_no_drawing_carries_a_style_attribute():
    """The content policy would drop it and say so on the console."""
    axis = Axis((-4.0, 0.0, 4.0))
    moments = [Moment("1 Nov", 1, -2, 3), Moment("2 Nov", 1, 0.5, 2)]
    drawn = [plots.interval(axis=axis, low=-1, estimate=0, high=1, mark=mark) for mark in ("a", "b", "c", "d", "quiet")]
    drawn += [plots.bar(share=0.3, mark="a"), plots.scale(axis=axis, labels=["−4", "0", "+4"])]
    drawn.append(
        plots.evidence(
            moments=moments, mark="b", labels=["−4", "0", "+4"], axis=axis, left_zero=1, note="left", rtl=False
        )
    )
    assert not any("style" in one for one in drawn)
    assert all('aria-hidden="true"' in one for one in drawn)


@given(st.floats(min_value=-2, max_value=3))
def test_a_bar_begins_at_zero_and_ends_inside(share):
    figure = plots.bar(share=share, mark="a")
    width = float(re.findall(r'width="([0-9.]+)%"', figure)[0])
    assert 'x="0%"' in figure
    assert width == pytest.approx(min(max(share, 0), 1) * 100, abs=0.01)


def test_the_day_the_range_left_zero_is_the_one_since_which_it_stayed_away():
    moments = [Moment("1", 1, 0.1, 2), Moment("2", 1, -0.1, 2), Moment("3", 1, 0.2, 2), Moment("4", 1, 0.3, 2)]
    assert plots.since_it_left_zero(moments) == 2


def test_a_range_that_holds_zero_today_never_left_it():
    assert plots.since_it_left_zero([Moment("1", 1, 0.1, 2), Moment("2", 1, -0.1, 2)]) is None


def test_time_runs_from_right_to_left_in_hebrew():
    axis = Axis((-2.0, 0.0, 2.0, 4.0))
    moments = [Moment("first", 1, -1, 3), Moment("last", 2, 1, 3)]
    labels = ["−2", "0", "+2", "+4"]

    def drawn(rtl):
        return plots.evidence(moments=moments, mark="b", labels=labels, axis=axis, left_zero=None, note="", rtl=rtl)

    assert '<text class="" x="0%" y="246" text-anchor="start">first</text>' in drawn(rtl=False)
    assert '<text class="" x="100%" y="246" text-anchor="end">first</text>' in drawn(rtl=True)
