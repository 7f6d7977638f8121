"""Set up a comparison. What decides it later (salt, weights, holdout, N*, window) is fixed here."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from campaigns.experiments.models import Experiment, Variant


class ExperimentDesignError(ValueError):
    """The comparison cannot be run as described."""


@transaction.atomic
def make_experiment(
    *,
    slug: str,
    name: str,
    holdout_percent: Decimal | int,
    variants: Sequence[tuple[str, int]],
    goal_window_days: int,
    now: datetime,
    planned_accounts: int = 5000,
    salt: str = "",
) -> Experiment:
    """A running experiment with its arms in the order given; the first is what others are compared with.

    `planned_accounts` is N* of the anytime interval. `salt` is drawn at random unless given; it is shown
    on the experiment, so that anybody can recompute every account's arm.
    """
    if not variants or sum(weight for _, weight in variants) <= 0:
        raise ExperimentDesignError(f"Experiment {slug} has no arm with a weight above zero.")
    experiment = Experiment.objects.create(
        slug=slug,
        name=name,
        salt=salt or secrets.token_hex(16),
        holdout_percent=Decimal(holdout_percent),
        goal_window_days=goal_window_days,
        planned_accounts=planned_accounts,
        status=Experiment.Status.RUNNING,
        started_at=now,
    )
    Variant.objects.bulk_create(
        [
            Variant(experiment=experiment, key=key, weight=weight, position=position)
            for position, (key, weight) in enumerate(variants)
        ]
    )
    return experiment


def change_goal_window(*, experiment_id: int, days: int) -> None:
    """The campaign's goal was changed: its outcomes are found anew for the past too, so that the read-out is of one
    goal throughout."""
    Experiment.objects.filter(pk=experiment_id).update(goal_window_days=days)
