"""Amounts per unit (expansion MRR per assigned account) and ratios of two amounts (MRR per seat)."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.stats.effects import NO_ACCOUNTS, NO_DENOMINATOR, NotEnoughData, Sample


@dataclass(frozen=True, slots=True)
class MeanArm:
    """`total` and `sum_squares` run over all assigned units, those with 0 included."""

    n: int
    total: float
    sum_squares: float

    def sample(self) -> Sample:
        """Variance with n - 1; never below zero, whatever rounding left of it."""
        if self.n < 1:
            return Sample(self.n, 0.0, 0.0)
        return Sample(self.n, self.total / self.n, _variance(self.n, self.total, self.sum_squares))


@dataclass(frozen=True, slots=True)
class RatioArm:
    """Numerator and denominator summed over the randomised units, with their squares and products."""

    n: int
    num_sum: float
    num_sum_squares: float
    den_sum: float
    den_sum_squares: float
    num_den_sum_products: float

    def sample(self) -> Sample | NotEnoughData:
        """Delta method: the variance of the ratio per randomised unit."""
        if self.n < 1:
            return NotEnoughData(NO_ACCOUNTS)
        if self.den_sum == 0:
            return NotEnoughData(NO_DENOMINATOR)
        ratio, mean_den = self.num_sum / self.den_sum, self.den_sum / self.n
        var_num = _variance(self.n, self.num_sum, self.num_sum_squares)
        var_den = _variance(self.n, self.den_sum, self.den_sum_squares)
        cov = covariance(self.n, self.num_sum, self.den_sum, self.num_den_sum_products)
        variance = (var_num - 2 * ratio * cov + ratio**2 * var_den) / mean_den**2
        return Sample(self.n, ratio, max(variance, 0.0))


def covariance(n: int, sum_x: float, sum_y: float, sum_products: float) -> float:
    return (sum_products - sum_x * sum_y / n) / (n - 1) if n > 1 else 0.0


def _variance(n: int, total: float, sum_squares: float) -> float:
    return max(covariance(n, total, total, sum_squares), 0.0)
