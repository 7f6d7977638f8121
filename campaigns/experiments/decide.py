"""End a comparison: a person chooses, and who, when and why are kept."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from campaigns.experiments.models import Experiment, Variant
from campaigns.operations.models import AuditEntry


class AlreadyDecidedError(Exception):
    """Somebody decided before, or the experiment never ran; the decision that stands is on the experiment."""


class ForeignVariantError(ValueError):
    """The chosen variant belongs to another experiment."""


@transaction.atomic
def choose_winner(*, experiment: Experiment, variant: Variant, by: str, reason: str, now: datetime) -> None:
    """Accounts that enter from now on get `variant`; those already drawn keep their arm, the holdout stays.

    Of two people deciding at once the first counts: the other gets AlreadyDecidedError.
    """
    if variant.experiment_id != experiment.pk:
        raise ForeignVariantError(f"Variant {variant.key} is not one of {experiment.slug}.")
    decided = {
        "status": Experiment.Status.DECIDED,
        "winner": variant,
        "decided_at": now,
        "decided_by": by,
        "decision_reason": reason,
    }
    changed = Experiment.objects.filter(pk=experiment.pk, status=Experiment.Status.RUNNING).update(**decided)
    if not changed:
        raise AlreadyDecidedError(f"{experiment.slug} is not running: nothing was changed.")
    AuditEntry.objects.create(
        at=now,
        actor=by,
        action="experiment.choose_winner",
        subject=f"experiment:{experiment.slug}",
        before={"status": Experiment.Status.RUNNING},
        after={"status": Experiment.Status.DECIDED, "winner": variant.key},
        reason=reason,
    )
    for name, value in decided.items():
        setattr(experiment, name, value)
