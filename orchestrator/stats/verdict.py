"""What an A/B test of upgrade rates says today, in a form that can be put into words. Safe to ask every day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from orchestrator.stats import effects, sequential, srm
from orchestrator.stats.effects import Interval, NotEnoughData
from orchestrator.stats.incremental import MINIMUM_CONVERSIONS, NOT_ENOUGH_CONVERSIONS
from orchestrator.stats.proportions import ProportionArm

Kind = Literal["AHEAD", "NOT_YET", "NO_DIFFERENCE", "HARM", "DATA_PROBLEM"]

SAMPLE_RATIO_MISMATCH = "SAMPLE_RATIO_MISMATCH"
UNEXPECTED_ARM = "UNEXPECTED_ARM"
ONE_ARM = srm.ONE_ARM
NOT_ENOUGH_DAYS = "NOT_ENOUGH_DAYS"
INTERVAL_INCLUDES_ZERO = "INTERVAL_INCLUDES_ZERO"
PLANNED_SIZE_REACHED = "PLANNED_SIZE_REACHED"

_SMALLEST_EXPECTED = 8
_DAY = timedelta(days=1)
_LONGEST_FORESEEN = 365


@dataclass(frozen=True, slots=True)
class VariantArm:
    """Assigned accounts, those that upgraded, and their expansion MRR (shown beside, never deciding)."""

    n: int
    conversions: int
    mrr: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`variant`: the arm that `estimate` (its rate minus the control's) and the any-look interval are about.

    AHEAD: `leader` is better than the control. HARM: `variant` is worse, so the control leads. NO_DIFFERENCE: the
    planned size is reached and nothing was found. NOT_YET: `reasons` say what is missing; `days_to_go` estimates when
    (None: cannot be told). DATA_PROBLEM: the arms are not as large as they were drawn, no number can be trusted.
    """

    kind: Kind
    leader: str | None
    variant: str | None
    estimate: float | None
    low: float | None
    high: float | None
    reasons: tuple[str, ...]
    days_to_go: int | None
    srm_p: float | None


@dataclass(frozen=True, slots=True)
class _Comparison:
    variant: str
    estimate: float
    interval: Interval


def judge(
    *,
    arms: Mapping[str, VariantArm],
    control: str,
    weights: Mapping[str, float],
    started_at: datetime,
    now: datetime,
    minimum_days: int = 7,
    alpha: float = 0.05,
    n_star: int,
    accounts_per_day: float | None = None,
) -> Verdict:
    """Verdict of the variants against `control`, valid however often it is asked (confidence sequence at `n_star`).

    `weights` are the shares drawn, by arm; `n_star` the accounts planned over all arms, fixed at the start. Several
    variants share alpha (Bonferroni). Nobody is AHEAD before `minimum_days` full days and 25 conversions in the
    smaller of the two arms; HARM asks for 25 conversions in the control only, since a variant that converts nobody
    never reaches 25. `accounts_per_day` is the pace for `days_to_go`, that since the start where it is left out.
    """
    problem, srm_p = _check_sizes(arms, weights)
    if problem:
        return _verdict("DATA_PROBLEM", reasons=(problem,), srm_p=srm_p)
    variants = [name for name in arms if name != control]
    if not variants:
        return _verdict("NOT_YET", reasons=(ONE_ARM,), srm_p=srm_p)
    compared = [
        _compare(name, arms, control, alpha=alpha / len(variants), n_star=_pair_share(weights, name, control) * n_star)
        for name in variants
    ]
    known = [one for one in compared if isinstance(one, _Comparison)]
    if not known:
        reasons = tuple(sorted({one.reason for one in compared if isinstance(one, NotEnoughData)}))
        return _verdict("NOT_YET", reasons=reasons, srm_p=srm_p)
    days = (now - started_at) / _DAY
    pace = accounts_per_day
    if pace is None:
        pace = sum(arm.n for arm in arms.values()) / days if days > 0 else 0
    return _conclude(arms, control, known, now - started_at, minimum_days, n_star, srm_p, pace)


def _conclude(
    arms: Mapping[str, VariantArm],
    control: str,
    known: list[_Comparison],
    elapsed: timedelta,
    minimum_days: int,
    n_star: int,
    srm_p: float | None,
    pace: float,
) -> Verdict:
    best = max(known, key=lambda one: one.estimate)
    missing = _missing(arms[best.variant], arms[control], elapsed, minimum_days)
    if best.interval.low > 0 and not missing:
        return _verdict("AHEAD", best, leader=best.variant, srm_p=srm_p)
    worst = min(known, key=lambda one: one.estimate)
    if worst.interval.high < 0 and arms[control].conversions >= MINIMUM_CONVERSIONS:
        return _verdict("HARM", worst, leader=control, srm_p=srm_p)
    if best.interval.low <= 0:
        missing += (INTERVAL_INCLUDES_ZERO,)
    assigned = sum(arm.n for arm in arms.values())
    if missing == (INTERVAL_INCLUDES_ZERO,) and assigned >= n_star:
        return _verdict("NO_DIFFERENCE", best, reasons=(PLANNED_SIZE_REACHED, *missing), srm_p=srm_p)
    to_go = _days_to_go(arms, best.variant, control, elapsed, minimum_days, n_star, pace)
    return _verdict("NOT_YET", best, reasons=missing, days_to_go=to_go, srm_p=srm_p)


def _check_sizes(arms: Mapping[str, VariantArm], weights: Mapping[str, float]) -> tuple[str, float | None]:
    names = list(dict.fromkeys([*arms, *weights]))
    observed = [arms[name].n if name in arms else 0 for name in names]
    shares = [float(weights.get(name, 0)) for name in names]
    result = srm.check_srm(observed=observed, weights=shares)
    if isinstance(result, NotEnoughData):
        return "", None
    if result.unexpected:
        return UNEXPECTED_ARM, result.p
    smallest = min(share for share in shares if share > 0) / sum(shares) * sum(observed)
    if result.is_alarm and smallest >= _SMALLEST_EXPECTED:
        return SAMPLE_RATIO_MISMATCH, result.p
    return "", result.p


def _pair_share(weights: Mapping[str, float], variant: str, control: str) -> float:
    """The share of all accounts that this pair was planned to hold."""
    return (weights[variant] + weights[control]) / sum(weights.values())


def _compare(
    name: str, arms: Mapping[str, VariantArm], control: str, *, alpha: float, n_star: float
) -> _Comparison | NotEnoughData:
    effect = effects.absolute_effect(
        control=ProportionArm(arms[control].n, arms[control].conversions).sample(),
        treatment=ProportionArm(arms[name].n, arms[name].conversions).sample(),
    )
    if isinstance(effect, NotEnoughData):
        return effect
    return _Comparison(name, effect.estimate, sequential.acs_interval(effect, n_star=n_star, alpha=alpha))


def _missing(variant: VariantArm, control: VariantArm, elapsed: timedelta, minimum_days: int) -> tuple[str, ...]:
    missing: tuple[str, ...] = ()
    if min(variant.conversions, control.conversions) < MINIMUM_CONVERSIONS:
        missing += (NOT_ENOUGH_CONVERSIONS,)
    if elapsed < minimum_days * _DAY:
        missing += (NOT_ENOUGH_DAYS,)
    return missing


def _days_to_go(
    arms: Mapping[str, VariantArm],
    variant: str,
    control: str,
    elapsed: timedelta,
    minimum_days: int,
    n_star: int,
    pace: float,
) -> int | None:
    """Until the minimum of days, the conversions and the planned size; None where accounts lack and so few come that
    it takes longer than a pace can be trusted."""
    assigned = sum(arm.n for arm in arms.values())
    converted = min(arms[variant].conversions, arms[control].conversions)
    if assigned == 0 or converted == 0:
        return None
    lacking = max(n_star - assigned, (MINIMUM_CONVERSIONS - converted) * assigned / converted)
    if lacking > 0 and pace <= 0:
        return None
    by_accounts = lacking / pace if lacking > 0 else 0
    days = max(math.ceil(max(minimum_days - elapsed / _DAY, by_accounts)), 1)
    return days if days <= _LONGEST_FORESEEN else None


def _verdict(
    kind: Kind,
    about: _Comparison | None = None,
    *,
    leader: str | None = None,
    reasons: tuple[str, ...] = (),
    days_to_go: int | None = None,
    srm_p: float | None,
) -> Verdict:
    return Verdict(
        kind=kind,
        leader=leader,
        variant=about.variant if about else None,
        estimate=about.estimate if about else None,
        low=about.interval.low if about else None,
        high=about.interval.high if about else None,
        reasons=reasons,
        days_to_go=days_to_go,
        srm_p=srm_p,
    )
