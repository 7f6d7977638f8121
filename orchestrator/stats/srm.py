"""Sample ratio mismatch: are the arms as large as they were drawn? Until they are, no other number counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.stats import distributions
from orchestrator.stats.effects import NO_ACCOUNTS, NotEnoughData

ALARM_P = 0.001
ONE_ARM = "ONE_ARM"


@dataclass(frozen=True, slots=True)
class SrmResult:
    """`p` < 0.001 is an alarm, also when looked at daily; `sequential_p` is valid at any look.

    `log_bayes_factor` speaks for a mismatch when positive. `unexpected` counts units in arms of weight zero, which
    the tests leave out: a single one is an alarm.
    """

    chi2: float
    p: float
    log_bayes_factor: float
    sequential_p: float
    unexpected: int = 0

    @property
    def is_alarm(self) -> bool:
        return self.unexpected > 0 or self.p < ALARM_P


def check_srm(
    *, observed: Sequence[int], weights: Sequence[float], concentration: float = 100.0
) -> SrmResult | NotEnoughData:
    """Chi-square (df = arms with weight - 1) and a Dirichlet(concentration x shares) multinomial Bayes factor."""
    total_weight = sum(weights)
    pairs = [(count, weight / total_weight) for count, weight in zip(observed, weights, strict=True) if weight > 0]
    total = sum(count for count, _ in pairs)
    if total < 1:
        return NotEnoughData(NO_ACCOUNTS)
    if len(pairs) < 2:
        return NotEnoughData(ONE_ARM)
    chi2 = sum((count - total * share) ** 2 / (total * share) for count, share in pairs)
    log_factor = _log_bayes_factor(pairs, total, concentration)
    return SrmResult(
        chi2=chi2,
        p=distributions.chi_square_tail(chi2, len(pairs) - 1),
        log_bayes_factor=log_factor,
        sequential_p=min(1.0, math.exp(-max(log_factor, 0.0))),
        unexpected=sum(observed) - total,
    )


def _log_bayes_factor(pairs: Sequence[tuple[int, float]], total: int, concentration: float) -> float:
    factor = math.lgamma(concentration) - math.lgamma(concentration + total)
    for count, share in pairs:
        prior = concentration * share
        factor += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return factor
