from __future__ import annotations

import pytest

from orchestrator.stats import power


@pytest.mark.parametrize("size", [power.sample_size_cohen, power.sample_size_unpooled])
def test_a_smaller_difference_needs_more_accounts(size):
    needed = [size(baseline=0.05, target=target, alpha=0.05, power=0.8) for target in (0.10, 0.07, 0.06)]
    assert needed == sorted(needed)


@pytest.mark.parametrize("size", [power.sample_size_cohen, power.sample_size_unpooled])
def test_direction_does_not_matter_for_swapped_rates(size):
    up = size(baseline=0.05, target=0.06, alpha=0.05, power=0.8)
    assert size(baseline=0.06, target=0.05, alpha=0.05, power=0.8) == pytest.approx(up)


@pytest.mark.parametrize(
    "wrong", [{"baseline": 0.0}, {"target": 1.0}, {"target": 0.05}, {"alpha": 0.0}, {"power": 1.0}, {"power": 0.01}]
)
def test_impossible_plans_are_refused(wrong):
    with pytest.raises(ValueError, match="between 0 and 1"):
        power.sample_size_cohen(**({"baseline": 0.05, "target": 0.06, "alpha": 0.05, "power": 0.8} | wrong))
