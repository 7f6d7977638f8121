from __future__ import annotations

from typing import Any

import pytest

from campaigns.experiments import design, selectors
from tests.factories.experiments import STARTED_AT

pytestmark = pytest.mark.django_db


def make(**changes):
    said: dict[str, Any] = {
        "slug": "seats-80",
        "name": "Seats",
        "holdout_percent": 20,
        "variants": [("b", 50), ("a", 50)],
        "goal_window_days": 14,
        "now": STARTED_AT,
    }
    return design.make_experiment(**(said | changes))


def test_arms_keep_the_order_in_which_they_were_written():
    assert [variant.key for variant in selectors.arms(experiment=make())] == ["b", "a"]


def test_two_experiments_have_different_salts():
    assert make().salt != make(slug="other").salt


@pytest.mark.parametrize("variants", [[], [("a", 0)]])
def test_an_experiment_without_weight_is_refused(variants):
    with pytest.raises(design.ExperimentDesignError):
        make(variants=variants)
