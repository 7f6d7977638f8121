from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import factory

from campaigns.experiments.models import Assignment, Experiment, Variant
from tests.factories.profiles import AccountFactory

STARTED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ExperimentFactory(factory.django.DjangoModelFactory):
    """Running, a tenth held out; without variants."""

    class Meta:
        model = Experiment

    slug = factory.Sequence(lambda n: f"experiment-{n}")
    name = factory.LazyAttribute(lambda experiment: experiment.slug)
    salt = factory.Sequence(lambda n: f"salt-{n}")
    holdout_percent = Decimal(10)
    status = Experiment.Status.RUNNING
    started_at = STARTED_AT


class VariantFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Variant

    experiment = factory.SubFactory(ExperimentFactory)
    key = factory.Sequence(lambda n: f"v{n}")
    weight = 50
    position = factory.Sequence(lambda n: n)


class AssignmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Assignment

    experiment = factory.SubFactory(ExperimentFactory)
    account = factory.SubFactory(AccountFactory)
    x = 0.5
    at = STARTED_AT


def experiment_ab(*, holdout_percent: int = 10, **fields) -> Experiment:
    experiment = ExperimentFactory(holdout_percent=Decimal(holdout_percent), **fields)
    VariantFactory(experiment=experiment, key="a", position=0)
    VariantFactory(experiment=experiment, key="b", position=1)
    return experiment
