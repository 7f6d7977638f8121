from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.stats import bandit
from orchestrator.stats.proportions import ProportionArm


def test_equal_arms_have_equal_chances():
    chances = bandit.chance_best([ProportionArm(100, 7)] * 4)
    assert chances == pytest.approx([0.25] * 4, abs=1e-9)


def test_arms_nobody_saw_yet_are_even():
    assert bandit.chance_best([ProportionArm(0, 0), ProportionArm(0, 0)]) == pytest.approx([0.5, 0.5], abs=1e-9)


def test_no_arms_have_no_chances():
    assert bandit.chance_best([]) == []


@settings(max_examples=25, deadline=None)
@given(arms=st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 1)), min_size=1, max_size=4))
def test_chances_sum_to_one(arms):
    chances = bandit.chance_best([ProportionArm(n, int(n * rate)) for n, rate in arms])
    assert sum(chances) == pytest.approx(1, abs=1e-6)


def test_the_floor_is_added_and_the_sum_stays_one():
    weights = bandit.floor_weights([0.9, 0.1, 0.0], 0.05)
    assert weights == pytest.approx([0.815, 0.135, 0.05])


def test_a_floor_above_the_whole_is_refused():
    with pytest.raises(ValueError, match="exceeds"):
        bandit.floor_weights([0.5, 0.5], 0.6)
