from __future__ import annotations

import numpy as np
import pytest

from orchestrator.stats import effects, sequential
from orchestrator.stats.effects import Effect
from orchestrator.stats.proportions import ProportionArm

ALPHA = 0.05


def test_obrien_fleming_bounds_are_the_published_ones():
    published = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]  # Lan-DeMets, five looks, two-sided 0.05
    assert sequential.obf_bounds(5) == pytest.approx(published, abs=2e-4)


def test_one_look_is_the_ordinary_test():
    assert sequential.obf_bounds(1) == pytest.approx([1.959964], abs=1e-6)


def test_no_looks_are_refused():
    with pytest.raises(ValueError, match="one look"):
        sequential.obf_bounds(0)


def test_a_p_and_its_interval_agree():
    for estimate in (0.5, 1.0, 2.0, 4.0):
        effect = Effect(estimate, se=0.6, df=900, n=1000)
        acs = sequential.acs_interval(effect, n_star=2000, alpha=ALPHA)
        assert (acs.low > 0) == (sequential.acs_p(effect, n_star=2000, alpha=ALPHA) < ALPHA)
        mixture = sequential.msprt_interval(effect, tau=0.8, alpha=ALPHA)
        assert (mixture.low > 0) == (sequential.msprt_p(effect, tau=0.8) < ALPHA)


def test_looking_daily_costs_width():
    effect = Effect(1.0, se=0.6, df=998, n=1000)
    anytime = sequential.acs_interval(effect, n_star=1000, alpha=ALPHA)
    fixed = effects.welch_interval(effect, ALPHA)
    assert anytime.low < fixed.low < fixed.high < anytime.high


def test_forty_daily_looks_at_nothing_raise_no_more_false_alarms_than_alpha():
    """The naive test fires in about a third of these A/A runs; that is the point of the sequential ones."""
    runs, days, rng = 300, 40, np.random.default_rng(11)
    naive, anytime, spending = 0, 0, 0
    bounds = sequential.obf_bounds(days)
    for _ in range(runs):
        control, treatment = (np.cumsum(rng.binomial(100, 0.05, days)) for _ in range(2))
        looks = [
            effects.absolute_effect(
                control=ProportionArm(100 * (day + 1), int(control[day])).sample(),
                treatment=ProportionArm(100 * (day + 1), int(treatment[day])).sample(),
            )
            for day in range(days)
        ]
        seen = [(day, look) for day, look in enumerate(looks) if isinstance(look, Effect)]
        naive += any(abs(look.estimate / look.se) > 1.96 for _, look in seen)
        anytime += any(sequential.acs_p(look, n_star=8000, alpha=ALPHA) < ALPHA for _, look in seen)
        spending += any(abs(look.estimate / look.se) > bounds[day] for day, look in seen)
    limit = (ALPHA + 3 * (ALPHA * (1 - ALPHA) / runs) ** 0.5) * runs
    assert naive > 0.2 * runs
    assert anytime <= limit
    assert spending <= limit
