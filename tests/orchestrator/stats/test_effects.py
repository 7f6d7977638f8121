from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.stats import cuped, effects, proportions
from orchestrator.stats.effects import Effect, Interval, NotEnoughData, Sample
from orchestrator.stats.means import MeanArm, RatioArm
from orchestrator.stats.proportions import ProportionArm

ZERO = Sample(0, 0.0, 0.0)
ONE = Sample(1, 5.0, 0.0)
SOME = Sample(100, 0.1, 0.09)


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        (ZERO, SOME, "NO_ACCOUNTS"),
        (SOME, ZERO, "NO_ACCOUNTS"),
        (ONE, SOME, "TOO_FEW_ACCOUNTS"),
        (Sample(50, 0.0, 0.0), Sample(50, 0.0, 0.0), "NO_VARIATION"),
        (Sample(50, 1.0, 0.0), Sample(50, 1.0, 0.0), "NO_VARIATION"),
    ],
)
def test_arms_that_say_nothing_give_a_reason_and_no_number(control, treatment, reason):
    assert effects.absolute_effect(control=control, treatment=treatment) == NotEnoughData(reason)
    assert effects.relative_effect(control=control, treatment=treatment) == NotEnoughData(reason)


def test_a_control_without_conversions_has_an_absolute_but_no_relative_effect():
    control, treatment = ProportionArm(200, 0).sample(), ProportionArm(200, 9).sample()
    absolute = effects.absolute_effect(control=control, treatment=treatment)
    assert isinstance(absolute, Effect)
    assert 0 < effects.welch_p(absolute) < 1
    assert effects.relative_effect(control=control, treatment=treatment) == NotEnoughData("CONTROL_MEAN_IS_ZERO")


def test_an_overwhelming_effect_keeps_a_p_above_zero():
    control, treatment = ProportionArm(20_000, 200).sample(), ProportionArm(20_000, 3000).sample()
    effect = effects.absolute_effect(control=control, treatment=treatment)
    assert isinstance(effect, Effect)
    assert 0 < effects.welch_p(effect) < 1e-100


@given(nc=st.integers(0, 400), nt=st.integers(0, 400), rate_c=st.floats(0, 1), rate_t=st.floats(0, 1))
def test_any_counts_give_a_sound_p_or_a_reason(nc, nt, rate_c, rate_t):
    control, treatment = ProportionArm(nc, int(nc * rate_c)), ProportionArm(nt, int(nt * rate_t))
    for make in (effects.absolute_effect, effects.relative_effect):
        effect = make(control=control.sample(), treatment=treatment.sample())
        if isinstance(effect, Effect):
            interval = effects.welch_interval(effect, 0.05)
            assert 0 < effects.welch_p(effect) <= 1
            assert interval.low < effect.estimate < interval.high
            assert math.isfinite(interval.low + interval.high)
        else:
            assert effect.reason


def test_the_prior_pulls_towards_its_mean():
    effect = Effect(estimate=0.8, se=0.5, df=500, n=800)
    flat, proper = effects.believe(effect, 0.05), effects.believe(effect, 0.05, prior_sd=0.3)
    assert proper.chance_to_win < flat.chance_to_win
    assert proper.credible.high < flat.credible.high


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="impossible"):
        ProportionArm(3, 4)


def test_wilson_stays_between_zero_and_one():
    none, everyone = (proportions.wilson(ProportionArm(10, conversions), 0.05) for conversions in (0, 10))
    assert isinstance(none, Interval)
    assert isinstance(everyone, Interval)
    assert none.low == 0
    assert 0 < none.high < 1
    assert everyone.high == pytest.approx(1)


@pytest.mark.parametrize("arm", [ProportionArm(0, 0)])
def test_no_accounts_have_no_rate_interval(arm):
    assert proportions.wilson(arm, 0.05) == NotEnoughData("NO_ACCOUNTS")
    assert proportions.newcombe(control=arm, treatment=ProportionArm(5, 1), alpha=0.05) == NotEnoughData("NO_ACCOUNTS")
    assert proportions.pooled_test(control=arm, treatment=arm) == NotEnoughData("NO_ACCOUNTS")


def test_nobody_converted_has_no_pooled_test():
    arm = ProportionArm(40, 0)
    assert proportions.pooled_test(control=arm, treatment=arm) == NotEnoughData("NO_VARIATION")


def test_a_mean_counts_the_accounts_that_did_nothing():
    assert MeanArm(4, 100.0, 10_000.0).sample() == Sample(4, 25.0, 2500.0)


def test_rounding_never_makes_a_variance_negative():
    assert MeanArm(3, 0.3, 0.03 - 1e-12).sample().variance == 0


def test_a_ratio_without_denominator_says_so():
    assert RatioArm(5, 10.0, 30.0, 0.0, 0.0, 0.0).sample() == NotEnoughData("NO_DENOMINATOR")
    assert RatioArm(0, 0, 0, 0, 0, 0).sample() == NotEnoughData("NO_ACCOUNTS")


@pytest.mark.parametrize(
    ("arm", "reason"),
    [
        (cuped.CupedArm(0, 0, 0, 0, 0, 0), "NO_ACCOUNTS"),
        (cuped.CupedArm(1, 2, 4, 3, 9, 6), "TOO_FEW_ACCOUNTS"),
        (cuped.CupedArm(3, 6, 14, 9, 27, 18), "NO_VARIATION"),
    ],
)
def test_cuped_without_a_useful_covariate_says_so(arm, reason):
    result = cuped.adjust(control=arm, treatment=arm, alpha=0.05)
    assert result == NotEnoughData(reason)
