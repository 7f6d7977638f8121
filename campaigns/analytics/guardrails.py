"""What a new wording must not make worse, whatever it earns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.experiments.models import Experiment
from orchestrator.stats import effects, sequential
from orchestrator.stats.effects import NotEnoughData, Sample
from orchestrator.stats.proportions import ProportionArm

# How many more of a hundred accounts may opt out with a new wording before it does harm.
OPT_OUT_LIMIT = 0.02


def has_harmful_opt_outs(*, experiment: Experiment, read: Mapping[str, Any]) -> bool:
    """By a kept read-out: some wording is over the limit, whatever the truth in its range is."""
    control, *others = read["arms"]
    weights = sum(arm["weight"] for arm in read["arms"]) or 1
    for arm in others:
        effect = effects.absolute_effect(control=_opt_outs(control), treatment=_opt_outs(arm))
        if isinstance(effect, NotEnoughData):
            continue
        n_star = experiment.planned_accounts * (arm["weight"] + control["weight"]) / weights
        alpha = float(experiment.alpha) / len(others)
        if sequential.acs_interval(effect, n_star=n_star, alpha=alpha).low > OPT_OUT_LIMIT:
            return True
    return False


def _opt_outs(arm: Mapping[str, Any]) -> Sample:
    return ProportionArm(arm["assigned"], min(arm["opted_out"], arm["assigned"])).sample()
