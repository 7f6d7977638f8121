"""CUPED: subtract what a covariate from before the assignment (MRR before) already explains."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.stats import effects
from orchestrator.stats.effects import NO_ACCOUNTS, NO_VARIATION, TOO_FEW_ACCOUNTS, Interval, NotEnoughData, Sample
from orchestrator.stats.means import covariance


@dataclass(frozen=True, slots=True)
class CupedArm:
    """Sums over the units: outcome y, covariate x, their squares and products."""

    n: int
    sy: float
    ssy: float
    sx: float
    ssx: float
    sxy: float


@dataclass(frozen=True, slots=True)
class CupedResult:
    """`variance_reduction`: share of the difference's variance that the covariate took away."""

    theta: float
    estimate: float
    p: float
    interval: Interval
    variance_reduction: float


def adjust(*, control: CupedArm, treatment: CupedArm, alpha: float) -> CupedResult | NotEnoughData:
    """One theta, from all units of both arms together; outcomes are adjusted to the pooled mean of the covariate."""
    if control.n < 1 or treatment.n < 1:
        return NotEnoughData(NO_ACCOUNTS)
    if control.n < 2 or treatment.n < 2:
        return NotEnoughData(TOO_FEW_ACCOUNTS)
    theta = _theta(control, treatment)
    if theta is None:
        return NotEnoughData(NO_VARIATION)
    centre = (control.sx + treatment.sx) / (control.n + treatment.n)
    adjusted = effects.absolute_effect(
        control=_adjusted(control, theta, centre), treatment=_adjusted(treatment, theta, centre)
    )
    plain = effects.absolute_effect(control=_adjusted(control, 0, centre), treatment=_adjusted(treatment, 0, centre))
    if isinstance(adjusted, NotEnoughData):
        return adjusted
    if isinstance(plain, NotEnoughData):
        return plain
    return CupedResult(
        theta=theta,
        estimate=adjusted.estimate,
        p=effects.welch_p(adjusted),
        interval=effects.welch_interval(adjusted, alpha),
        variance_reduction=1 - adjusted.se**2 / plain.se**2,
    )


def _theta(control: CupedArm, treatment: CupedArm) -> float | None:
    n, sx, sy = control.n + treatment.n, control.sx + treatment.sx, control.sy + treatment.sy
    spread = covariance(n, sx, sx, control.ssx + treatment.ssx)
    return covariance(n, sx, sy, control.sxy + treatment.sxy) / spread if spread > 0 else None


def _adjusted(arm: CupedArm, theta: float, centre: float) -> Sample:
    variance = (
        covariance(arm.n, arm.sy, arm.sy, arm.ssy)
        + theta**2 * covariance(arm.n, arm.sx, arm.sx, arm.ssx)
        - 2 * theta * covariance(arm.n, arm.sx, arm.sy, arm.sxy)
    )
    return Sample(arm.n, arm.sy / arm.n - theta * (arm.sx / arm.n - centre), max(variance, 0.0))
