"""Draw the arm of an account, once. The hash decides, the row remembers: what was drawn stays drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from campaigns.experiments.models import Assignment, Experiment, Variant
from campaigns.operations import bulk_rows
from orchestrator.engine import bucketing


def draw(*, experiment: Experiment, accounts: Sequence[tuple[int, str]], now: datetime) -> dict[int, Assignment]:
    """{account id: its assignment}, `variant` None for the held out. `accounts` are (id, external id).

    Any number of planners may draw the same accounts at once: the first row stands, all read the same one.
    After a decision, accounts not drawn before get the winner, unless the hash holds them out.
    """
    found = _read(experiment, [account_id for account_id, _ in accounts])
    missing = [pair for pair in accounts if pair[0] not in found]
    if missing:
        variants = {variant.key: variant for variant in experiment.variants.order_by("position", "pk")}
        made = bulk_rows.insert_rows(
            rows=[_drawn(experiment, variants, account_id, external_id, now) for account_id, external_id in missing],
            unless_known_by="account",
        )
        found |= {row.account_id: row for row in made if row.pk is not None}
        found |= _read(experiment, [row.account_id for row in made if row.pk is None])
    return found


def _drawn(
    experiment: Experiment, variants: Mapping[str, Variant], account_id: int, external_id: str, now: datetime
) -> Assignment:
    drawn = bucketing.draw_arm(
        salt=experiment.salt,
        key=external_id,
        holdout_percent=experiment.holdout_percent,
        weights=[(variant.key, variant.weight) for variant in variants.values()],
    )
    variant = None if drawn.arm is None else variants[drawn.arm]
    if variant is not None and experiment.winner_id is not None:
        variant = next(one for one in variants.values() if one.pk == experiment.winner_id)
    return bulk_rows.new_row(
        Assignment, experiment=experiment, account_id=account_id, variant=variant, x=drawn.x, at=now
    )


def _read(experiment: Experiment, account_ids: Sequence[int]) -> dict[int, Assignment]:
    rows = Assignment.objects.filter(experiment=experiment, account_id__any=account_ids).select_related("variant")
    return {row.account_id: row for row in rows}
