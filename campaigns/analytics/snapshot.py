"""Keep read-outs as they stood, so that a page can show what people saw then."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from campaigns.analytics import readout
from campaigns.analytics.arms import ArmFigures
from campaigns.analytics.readout import ExperimentReadout
from campaigns.experiments import selectors as experiments
from campaigns.experiments.models import Experiment, Snapshot
from campaigns.sequences.models import Campaign


def take_snapshots(*, now: datetime) -> int:
    """One for each running experiment that a campaign uses."""
    used = Campaign.objects.filter(experiment__isnull=False).values("experiment")
    taken = 0
    for experiment in experiments.running().filter(pk__in=used):
        take_snapshot(experiment=experiment, now=now)
        taken += 1
    return taken


def take_snapshot(*, experiment: Experiment, now: datetime) -> Snapshot:
    """Of the accounts whose window is over, as the test's page judges: the home page then says the same."""
    read = readout.read_experiment(experiment=experiment, now=now, matured_only=True)
    return Snapshot.objects.create(experiment=experiment, at=now, results=as_json(read))


def as_json(read: ExperimentReadout) -> dict[str, Any]:
    """The read-out in JSON types; money as text."""
    return {
        "as_of": read.as_of.isoformat(),
        "currency": read.currency,
        "days_running": read.days_running,
        "control": read.control,
        "arms": [_arm(arm) for arm in read.arms],
        "holdout": _arm(read.holdout),
        "treated": _arm(read.treated),
        "incremental": asdict(read.incremental),
        "by_variant": {key: asdict(one) for key, one in read.by_variant.items()},
        "verdict": {**asdict(read.verdict), "reasons": list(read.verdict.reasons)},
        "sample_ratio": asdict(read.sample_ratio),
        "waiting": read.waiting,
        "accounts_to_go": read.accounts_to_go,
        "matured_only": read.matured_only,
    }


def _arm(arm: ArmFigures) -> dict[str, Any]:
    plain = {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(arm).items()}
    return {**plain, "rate": arm.rate}
