from __future__ import annotations

from django.db.models import Count, IntegerField, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from campaigns.experiments.models import Assignment, Experiment, Snapshot, Variant

HOLDOUT = "holdout"


def arms(*, experiment: Experiment) -> list[Variant]:
    """In the order of the design: the first is the one others are compared with."""
    return list(experiment.variants.order_by("position", "pk"))


def drawn_before_decision(*, experiment: Experiment) -> QuerySet[Assignment]:
    """The accounts that the comparison is about: after a decision nobody is drawn at random any more."""
    rows = Assignment.objects.filter(experiment=experiment)
    return rows if experiment.decided_at is None else rows.filter(at__lt=experiment.decided_at)


def assigned_counts(*, experiment: Experiment) -> dict[str, int]:
    """{arm key: accounts}, the held out under `holdout`; arms without anybody count 0."""
    counts = {HOLDOUT: 0} | {variant.key: 0 for variant in arms(experiment=experiment)}
    rows = drawn_before_decision(experiment=experiment).values("variant__key").annotate(accounts=Count("pk"))
    for row in rows:
        counts[row["variant__key"] or HOLDOUT] = row["accounts"]
    return counts


def newest_snapshot(*, experiment: Experiment) -> Snapshot | None:
    return experiment.snapshots.order_by("-at", "-pk").first()


def running() -> QuerySet[Experiment]:
    return Experiment.objects.filter(status=Experiment.Status.RUNNING)


def count_looks(*, experiment: Experiment) -> int:
    """How often it was read out and kept, those included that `prune` has taken away since."""
    looks = Coalesce(Cast(KeyTextTransform("looks", "results"), IntegerField()), 1)
    return int(experiment.snapshots.aggregate(n=Sum(looks))["n"] or 0)
