"""Two arms against each other: estimate, standard error, Welch test, Bayesian read-out.

Every metric is first reduced to a `Sample` (proportions.py, means.py), so the tests are written once. Formulas and
their third-party checks: docs of the reference vectors, tests/fixtures/ab_vectors.json.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.stats import distributions

NO_ACCOUNTS = "NO_ACCOUNTS"
TOO_FEW_ACCOUNTS = "TOO_FEW_ACCOUNTS"
NO_VARIATION = "NO_VARIATION"
CONTROL_MEAN_IS_ZERO = "CONTROL_MEAN_IS_ZERO"
NO_DENOMINATOR = "NO_DENOMINATOR"


@dataclass(frozen=True, slots=True)
class NotEnoughData:
    """Why there is no number: one of the codes above. Returned instead of a crash or a p-value of zero."""

    reason: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Sufficient statistics of one arm: units, mean, and variance per unit."""

    n: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Effect:
    """Treatment minus control. `n` counts both arms, `df` is Welch-Satterthwaite on the absolute variances."""

    estimate: float
    se: float
    df: float
    n: int


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Belief:
    """Normal posterior of the effect. Risks are the expected loss of choosing that arm."""

    chance_to_win: float
    credible: Interval
    risk_control: float
    risk_treatment: float


def absolute_effect(*, control: Sample, treatment: Sample) -> Effect | NotEnoughData:
    """Difference of means."""
    lack = _lack(control, treatment)
    if lack is not None:
        return lack
    variance = treatment.variance / treatment.n + control.variance / control.n
    estimate = treatment.mean - control.mean
    return Effect(estimate, math.sqrt(variance), _welch_df(control, treatment), control.n + treatment.n)


def relative_effect(*, control: Sample, treatment: Sample) -> Effect | NotEnoughData:
    """Difference of means over |control mean|, by the delta method."""
    lack = _lack(control, treatment)
    if lack is not None:
        return lack
    if control.mean == 0:
        return NotEnoughData(CONTROL_MEAN_IS_ZERO)
    base = control.mean**2
    variance = treatment.variance / (treatment.n * base)
    variance += control.variance * treatment.mean**2 / (control.n * base * base)
    if variance <= 0:
        return NotEnoughData(NO_VARIATION)
    estimate = (treatment.mean - control.mean) / abs(control.mean)
    return Effect(estimate, math.sqrt(variance), _welch_df(control, treatment), control.n + treatment.n)


def welch_p(effect: Effect) -> float:
    """Two-sided, for one look at the planned end."""
    return distributions.t_two_sided_p(effect.estimate / effect.se, effect.df)


def welch_interval(effect: Effect, alpha: float) -> Interval:
    half = distributions.t_quantile(1 - alpha / 2, effect.df) * effect.se
    return Interval(effect.estimate - half, effect.estimate + half)


def believe(effect: Effect, alpha: float, *, prior_sd: float | None = None, prior_mean: float = 0.0) -> Belief:
    """Normal posterior; without `prior_sd` the prior is flat. Never a rule for stopping: it ignores peeking."""
    mean, sd = effect.estimate, effect.se
    if prior_sd is not None:
        weight_data, weight_prior = 1 / sd**2, 1 / prior_sd**2
        mean = (mean * weight_data + prior_mean * weight_prior) / (weight_data + weight_prior)
        sd = math.sqrt(1 / (weight_data + weight_prior))
    z = mean / sd
    half = distributions.normal_quantile(1 - alpha / 2) * sd
    peak = sd * distributions.normal_density(z)
    return Belief(
        chance_to_win=distributions.normal_cdf(z),
        credible=Interval(mean - half, mean + half),
        risk_control=mean * distributions.normal_cdf(z) + peak,
        risk_treatment=max(peak - mean * distributions.normal_cdf(-z), 0.0),
    )


def _lack(control: Sample, treatment: Sample) -> NotEnoughData | None:
    if control.n < 1 or treatment.n < 1:
        return NotEnoughData(NO_ACCOUNTS)
    if control.n < 2 or treatment.n < 2:
        return NotEnoughData(TOO_FEW_ACCOUNTS)
    if control.variance <= 0 and treatment.variance <= 0:
        return NotEnoughData(NO_VARIATION)
    return None


def _welch_df(control: Sample, treatment: Sample) -> float:
    vt, vc = treatment.variance / treatment.n, control.variance / control.n
    return (vt + vc) ** 2 / (vt**2 / (treatment.n - 1) + vc**2 / (control.n - 1))
