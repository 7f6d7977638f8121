from __future__ import annotations

import numpy as np
import pytest

from orchestrator.stats.incremental import Arm, incremental_total


def arm(amounts):
    values = np.asarray(amounts, dtype=float)
    return Arm(len(values), float(values.sum()), float((values**2).sum()), int((values > 0).sum()))


def test_the_estimate_is_the_difference_of_means_times_the_treated_accounts():
    treatment, holdout = Arm(400, 4000.0, 200_000.0, 60), Arm(100, 500.0, 20_000.0, 26)
    result = incremental_total(treatment=treatment, holdout=holdout, n_star=500)
    assert result.estimate == pytest.approx((10.0 - 5.0) * 400)
    assert result.per_account == pytest.approx(5.0)
    assert result.low is not None
    assert result.high is not None
    assert result.low < 2000 < result.high
    assert (result.is_clear, result.reason) == (True, "")


def test_the_anytime_interval_is_wider():
    result = incremental_total(
        treatment=Arm(400, 4000.0, 200_000.0, 60), holdout=Arm(100, 500.0, 20_000.0, 26), n_star=500
    )
    edges = [result.anytime_low or 0, result.low or 0, result.high or 0, result.anytime_high or 0]
    assert edges == sorted(set(edges))


@pytest.mark.parametrize(("treated", "held"), [(60, 24), (24, 60), (0, 0)])
def test_below_25_conversions_in_an_arm_it_is_not_clear(treated, held):
    result = incremental_total(
        treatment=Arm(400, 4000.0, 200_000.0, treated), holdout=Arm(100, 500.0, 20_000.0, held), n_star=500
    )
    assert (result.is_clear, result.reason) == (False, "NOT_ENOUGH_CONVERSIONS")
    assert result.low is not None


@pytest.mark.parametrize(
    ("treatment", "holdout", "reason", "estimate"),
    [
        (Arm(0, 0, 0, 0), Arm(100, 500.0, 20_000.0, 30), "NO_ACCOUNTS", None),
        (Arm(100, 500.0, 20_000.0, 30), Arm(0, 0, 0, 0), "NO_ACCOUNTS", None),
        (Arm(100, 500.0, 20_000.0, 30), Arm(1, 0, 0, 0), "TOO_FEW_ACCOUNTS", 500.0),
        (Arm(100, 0, 0, 0), Arm(100, 0, 0, 0), "NO_VARIATION", 0.0),
        (Arm(50, 500.0, 5000.0, 50), Arm(50, 500.0, 5000.0, 50), "NO_VARIATION", 0.0),
    ],
)
def test_without_accounts_or_spread_there_is_a_reason_and_no_interval(treatment, holdout, reason, estimate):
    result = incremental_total(treatment=treatment, holdout=holdout, n_star=1000)
    assert (result.is_clear, result.reason, result.estimate) == (False, reason, estimate)
    assert (result.low, result.high, result.anytime_low, result.anytime_high) == (None, None, None, None)


def test_intervals_cover_the_truth_for_zero_inflated_amounts():
    """500 experiments, 2,000 treated, 500 held out, mostly zeros, log-normal amounts; true lift known."""
    runs, rng = 500, np.random.default_rng(2026)
    rates, mean_amount = (0.12, 0.08), float(np.exp(4.0 + 0.6**2 / 2))
    truth = (rates[0] - rates[1]) * mean_amount * 2000
    fixed, anytime = 0, 0
    for _ in range(runs):
        arms = [
            arm((rng.random(size) < rate) * rng.lognormal(4.0, 0.6, size))
            for rate, size in zip(rates, (2000, 500), strict=True)
        ]
        result = incremental_total(treatment=arms[0], holdout=arms[1], n_star=2500)
        fixed += (result.low or 0) <= truth <= (result.high or 0)
        anytime += (result.anytime_low or 0) <= truth <= (result.anytime_high or 0)
    assert 0.92 * runs <= fixed <= 0.98 * runs
    assert anytime >= 0.97 * runs
