"""Incremental MRR: what the campaign earned beyond what the holdout shows would have come anyway."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.stats import effects, sequential
from orchestrator.stats.effects import NotEnoughData
from orchestrator.stats.means import MeanArm

MINIMUM_CONVERSIONS = 25
NOT_ENOUGH_CONVERSIONS = "NOT_ENOUGH_CONVERSIONS"


@dataclass(frozen=True, slots=True)
class Arm:
    """All assigned accounts of one arm, those that did nothing included.

    `total` and `sum_squares`: expansion MRR and its squares; `conversions`: accounts that upgraded.
    """

    n: int
    total: float
    sum_squares: float
    conversions: int


@dataclass(frozen=True, slots=True)
class Incremental:
    """Amounts in the reporting currency per month, over all treated accounts; `per_account` is for each of them.

    `low`, `high`: interval for one look at the planned end (Welch). `anytime_low`, `anytime_high`: valid at any look.
    Not `is_clear`: show `reason` instead of the interval. Without any spread or accounts the numbers are None.
    """

    estimate: float | None
    low: float | None
    high: float | None
    anytime_low: float | None
    anytime_high: float | None
    per_account: float | None
    se: float | None
    is_clear: bool
    reason: str


def incremental_total(*, treatment: Arm, holdout: Arm, alpha: float = 0.05, n_star: int) -> Incremental:
    """(mean of treatment - mean of holdout) x treated accounts, by intention to treat.

    `n_star`: planned accounts in both arms together, fixed at the start. Below 25 conversions in an arm the result is
    not clear (NOT_ENOUGH_CONVERSIONS); with less than two accounts in an arm or no spread at all it has no interval
    (the codes of effects.py).
    """
    effect = effects.absolute_effect(
        control=MeanArm(holdout.n, holdout.total, holdout.sum_squares).sample(),
        treatment=MeanArm(treatment.n, treatment.total, treatment.sum_squares).sample(),
    )
    if isinstance(effect, NotEnoughData):
        return _unknown(treatment, holdout, effect.reason)
    enough = min(treatment.conversions, holdout.conversions) >= MINIMUM_CONVERSIONS
    fixed = effects.welch_interval(effect, alpha)
    anytime = sequential.acs_interval(effect, n_star=n_star, alpha=alpha)
    return Incremental(
        estimate=effect.estimate * treatment.n,
        low=fixed.low * treatment.n,
        high=fixed.high * treatment.n,
        anytime_low=anytime.low * treatment.n,
        anytime_high=anytime.high * treatment.n,
        per_account=effect.estimate,
        se=effect.se * treatment.n,
        is_clear=enough,
        reason="" if enough else NOT_ENOUGH_CONVERSIONS,
    )


def _unknown(treatment: Arm, holdout: Arm, reason: str) -> Incremental:
    per_account = None
    if treatment.n and holdout.n:
        per_account = treatment.total / treatment.n - holdout.total / holdout.n
    return Incremental(
        estimate=None if per_account is None else per_account * treatment.n,
        low=None,
        high=None,
        anytime_low=None,
        anytime_high=None,
        per_account=per_account,
        se=None,
        is_clear=False,
        reason=reason,
    )
