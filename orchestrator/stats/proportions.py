"""Conversion rates: one arm's counts, intervals of a rate, the pooled test."""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.stats import distributions
from orchestrator.stats.effects import NO_ACCOUNTS, NO_VARIATION, Interval, NotEnoughData, Sample


@dataclass(frozen=True, slots=True)
class ProportionArm:
    """`conversions` of `n` assigned units (intention to treat)."""

    n: int
    conversions: int

    def __post_init__(self) -> None:
        if not 0 <= self.conversions <= self.n:
            raise ValueError(f"{self.conversions} conversions of {self.n} are impossible.")

    @property
    def rate(self) -> float:
        return self.conversions / self.n if self.n else 0.0

    def sample(self) -> Sample:
        """Variance p(1 - p), without n/(n - 1)."""
        return Sample(self.n, self.rate, self.rate * (1 - self.rate))


@dataclass(frozen=True, slots=True)
class PooledTest:
    z: float
    p: float


def wilson(arm: ProportionArm, alpha: float) -> Interval | NotEnoughData:
    """Wilson's score interval of one rate; stays within 0 and 1 also at 0 conversions."""
    if arm.n < 1:
        return NotEnoughData(NO_ACCOUNTS)
    z = distributions.normal_quantile(1 - alpha / 2)
    spread = 1 + z * z / arm.n
    centre = (arm.rate + z * z / (2 * arm.n)) / spread
    half = z * math.sqrt(arm.rate * (1 - arm.rate) / arm.n + z * z / (4 * arm.n**2)) / spread
    low = 0.0 if arm.conversions == 0 else centre - half
    high = 1.0 if arm.conversions == arm.n else centre + half
    return Interval(low, high)


def newcombe(*, control: ProportionArm, treatment: ProportionArm, alpha: float) -> Interval | NotEnoughData:
    """Interval of the difference of two rates from their Wilson intervals (Newcombe's method 10)."""
    c, t = wilson(control, alpha), wilson(treatment, alpha)
    if isinstance(c, NotEnoughData):
        return c
    if isinstance(t, NotEnoughData):
        return t
    difference = treatment.rate - control.rate
    below = math.hypot(treatment.rate - t.low, c.high - control.rate)
    above = math.hypot(t.high - treatment.rate, control.rate - c.low)
    return Interval(difference - below, difference + above)


def pooled_test(*, control: ProportionArm, treatment: ProportionArm) -> PooledTest | NotEnoughData:
    """The textbook z-test under one common rate."""
    if control.n < 1 or treatment.n < 1:
        return NotEnoughData(NO_ACCOUNTS)
    pooled = (control.conversions + treatment.conversions) / (control.n + treatment.n)
    variance = pooled * (1 - pooled) * (1 / control.n + 1 / treatment.n)
    if variance <= 0:
        return NotEnoughData(NO_VARIATION)
    z = (treatment.rate - control.rate) / math.sqrt(variance)
    return PooledTest(z, distributions.normal_two_sided_p(z))
