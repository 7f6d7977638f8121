from __future__ import annotations

import pytest

from campaigns.experiments import decide
from campaigns.experiments.models import Experiment
from campaigns.operations.models import AuditEntry
from tests.factories.experiments import STARTED_AT, experiment_ab

pytestmark = pytest.mark.django_db


def test_a_decision_says_who_when_and_why():
    experiment = experiment_ab()
    decide.choose_winner(
        experiment=experiment, variant=experiment.variants.get(key="b"), by="dana", reason="B is ahead", now=STARTED_AT
    )
    experiment.refresh_from_db()
    assert experiment.status == Experiment.Status.DECIDED
    assert (str(experiment.winner), experiment.decided_by, experiment.decided_at) == ("b", "dana", STARTED_AT)
    entry = AuditEntry.objects.get(after__winner="b")
    assert (entry.actor, entry.action, entry.reason) == ("dana", "experiment.choose_winner", "B is ahead")


def test_the_first_decision_stands():
    experiment = experiment_ab()
    variants = {variant.key: variant for variant in experiment.variants.all()}
    decide.choose_winner(experiment=experiment, variant=variants["b"], by="dana", reason="", now=STARTED_AT)
    with pytest.raises(decide.AlreadyDecidedError):
        decide.choose_winner(experiment=experiment, variant=variants["a"], by="ron", reason="", now=STARTED_AT)
    experiment.refresh_from_db()
    assert experiment.winner == variants["b"]


def test_a_variant_of_another_experiment_cannot_win():
    other = experiment_ab().variants.get(key="b")
    with pytest.raises(decide.ForeignVariantError):
        decide.choose_winner(experiment=experiment_ab(), variant=other, by="dana", reason="", now=STARTED_AT)
