"""How many accounts an A/B test of two rates needs in each arm. Equal arms, two-sided."""

from __future__ import annotations

import math

from orchestrator.stats import distributions


def sample_size_unpooled(*, baseline: float, target: float, alpha: float, power: float) -> float:
    """Normal approximation with each arm's own variance; not rounded up."""
    _check(baseline, target, alpha, power)
    z = distributions.normal_quantile(1 - alpha / 2) + distributions.normal_quantile(power)
    return z * z * (baseline * (1 - baseline) + target * (1 - target)) / (target - baseline) ** 2


def sample_size_cohen(*, baseline: float, target: float, alpha: float, power: float) -> float:
    """Cohen's h (arcsine), both tails counted; not rounded up."""
    _check(baseline, target, alpha, power)
    h = abs(2 * math.asin(math.sqrt(target)) - 2 * math.asin(math.sqrt(baseline)))
    critical = distributions.normal_quantile(1 - alpha / 2)
    low, high = 0.0, 1.0
    while _reached(h, critical, high) < power:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if _reached(h, critical, middle) < power:
            low = middle
        else:
            high = middle
    return high


def _reached(h: float, critical: float, n: float) -> float:
    shift = h * math.sqrt(n / 2)
    return distributions.normal_cdf(shift - critical) + distributions.normal_cdf(-shift - critical)


def _check(baseline: float, target: float, alpha: float, power: float) -> None:
    if not (0 < baseline < 1 and 0 < target < 1 and baseline != target):
        raise ValueError("Baseline and target are two different rates between 0 and 1.")
    if not (0 < alpha < power < 1):
        raise ValueError("Alpha and power lie between 0 and 1, power above alpha.")
