"""Read an experiment out: what each arm did, what the campaign earned beyond the holdout, who is ahead.

Valid at any look: the verdict and the anytime intervals hold however often the page is opened; the fixed
interval is for one look at the planned end and is named so.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from campaigns.analytics import arms as figures_of
from campaigns.analytics.arms import ArmFigures, Figures
from campaigns.experiments.models import Experiment
from campaigns.sequences.models import Campaign
from orchestrator.stats import incremental, srm, verdict
from orchestrator.stats.effects import NotEnoughData
from orchestrator.stats.incremental import Arm, Incremental
from orchestrator.stats.verdict import VariantArm, Verdict


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Accounts drawn against the shares they were drawn with, holdout included. `p` None: nothing to test yet."""

    observed: dict[str, int]
    expected: dict[str, float]
    p: float | None
    is_alarm: bool


@dataclass(frozen=True, slots=True)
class ExperimentReadout:
    """`incremental` is of all treated accounts against the holdout, `by_variant` of each variant's own.

    `waiting` accounts are still inside their goal window: their upgrades may be yet to come. `accounts_to_go`: how
    many more have to be counted before a verdict that is not clear yet can be; None where that can't be told. The
    verdict's days are None when nobody waits and accounts are missing: then no day changes anything.
    """

    experiment: Experiment
    as_of: datetime
    currency: str
    days_running: int
    control: str
    arms: list[ArmFigures]
    holdout: ArmFigures
    treated: ArmFigures
    incremental: Incremental
    by_variant: dict[str, Incremental]
    verdict: Verdict
    sample_ratio: SampleRatio
    waiting: int
    accounts_to_go: int | None
    matured_only: bool


def read_experiment(*, experiment: Experiment, now: datetime, matured_only: bool = False) -> ExperimentReadout:
    campaign_id = Campaign.objects.values_list("pk", flat=True).get(experiment=experiment)
    figures = figures_of.read_figures(
        experiment=experiment, campaign_id=campaign_id, now=now, matured_only=matured_only
    )
    treated = _sum(figures.arms)
    ratio = _sample_ratio(experiment, figures)
    waiting = treated.waiting + figures.holdout.waiting
    judged = _verdict(experiment, figures, ratio, now)
    return ExperimentReadout(
        experiment=experiment,
        as_of=now,
        currency=settings.REPORTING_CURRENCY,
        days_running=_days(experiment, now),
        control=figures.arms[0].key,
        arms=figures.arms,
        holdout=figures.holdout,
        treated=treated,
        incremental=_incremental(experiment, treated, figures.holdout),
        by_variant={arm.key: _incremental(experiment, arm, figures.holdout) for arm in figures.arms},
        verdict=judged,
        sample_ratio=ratio,
        waiting=waiting,
        accounts_to_go=_accounts_to_go(experiment, figures, judged),
        matured_only=matured_only,
    )


def _sum(arms: list[ArmFigures]) -> ArmFigures:
    total = ArmFigures("treated")
    for arm in arms:
        for name in (
            "weight", "assigned", "waiting", "upgraded", "mrr", "mrr_squares", "attributed_mrr",
            "sent", "delivered", "clicked", "opted_out",
        ):  # fmt: skip
            setattr(total, name, getattr(total, name) + getattr(arm, name))
    return total


def _incremental(experiment: Experiment, treatment: ArmFigures, holdout: ArmFigures) -> Incremental:
    return incremental.incremental_total(
        treatment=_arm(treatment),
        holdout=_arm(holdout),
        alpha=float(experiment.alpha),
        n_star=experiment.planned_accounts,
    )


def _arm(arm: ArmFigures) -> Arm:
    return Arm(n=arm.assigned, total=float(arm.mrr), sum_squares=float(arm.mrr_squares), conversions=arm.upgraded)


def _sample_ratio(experiment: Experiment, figures: Figures) -> SampleRatio:
    shares = _shares(experiment, figures)
    observed = {arm.key: arm.assigned for arm in figures.all_arms()}
    total = sum(observed.values())
    result = srm.check_srm(observed=list(observed.values()), weights=[shares[key] for key in observed])
    expected = {key: shares[key] * total for key in observed}
    if isinstance(result, NotEnoughData):
        return SampleRatio(observed, expected, None, False)
    smallest = min((count for key, count in expected.items() if shares[key] > 0), default=0.0)
    # Below eight expected in an arm the chi-square says nothing; an arm of weight zero with anybody in it does.
    is_alarm = result.unexpected > 0 or (result.is_alarm and smallest >= 8)
    return SampleRatio(observed, expected, result.p, is_alarm)


def _shares(experiment: Experiment, figures: Figures) -> dict[str, float]:
    held = float(experiment.holdout_percent) / 100
    total = sum(arm.weight for arm in figures.arms) or 1
    shares = {arm.key: (1 - held) * arm.weight / total for arm in figures.arms}
    return shares | {figures.holdout.key: held}


def _verdict(experiment: Experiment, figures: Figures, ratio: SampleRatio, now: datetime) -> Verdict:
    judged = verdict.judge(
        arms={arm.key: VariantArm(arm.assigned, arm.upgraded, float(arm.mrr)) for arm in figures.arms},
        control=figures.arms[0].key,
        weights={arm.key: float(arm.weight) for arm in figures.arms},
        started_at=experiment.started_at or now,
        now=now,
        minimum_days=experiment.minimum_days,
        alpha=float(experiment.alpha),
        n_star=experiment.planned_accounts,
        accounts_per_day=_pace(experiment, figures, now),
    )
    if ratio.is_alarm and judged.kind != "DATA_PROBLEM":
        # The arms among themselves look right, the holdout beside them does not.
        return dataclasses.replace(
            judged, kind="DATA_PROBLEM", leader=None, reasons=(verdict.SAMPLE_RATIO_MISMATCH,), srm_p=ratio.p
        )
    return judged


def _pace(experiment: Experiment, figures: Figures, now: datetime) -> float:
    """Accounts a day of late: those inside their goal window are the next to be counted. The pace since the start
    would promise a day that moves on with each that passes, for a launch takes in most at once."""
    days = min((now - (experiment.started_at or now)) / timedelta(days=1), experiment.goal_window_days)
    return sum(arm.waiting for arm in figures.arms) / days if days > 0 else 0.0


def _accounts_to_go(experiment: Experiment, figures: Figures, judged: Verdict) -> int | None:
    """Until the planned size and the fewest upgrades a verdict needs, at the upgrade rates so far."""
    about = next((arm for arm in figures.arms if arm.key == judged.variant), None)
    if judged.kind != "NOT_YET" or about is None:
        return None
    fewest = min(about.upgraded, figures.arms[0].upgraded)
    if not fewest:
        return None
    assigned = sum(arm.assigned for arm in figures.arms)
    by_upgrades = math.ceil(assigned * (incremental.MINIMUM_CONVERSIONS - fewest) / fewest)
    return max(experiment.planned_accounts - assigned, by_upgrades, 0)


def _days(experiment: Experiment, now: datetime) -> int:
    until = experiment.decided_at or now
    return max((until - (experiment.started_at or until)) // timedelta(days=1), 0)
