from __future__ import annotations

import numpy as np
import pytest

from orchestrator.stats.effects import NotEnoughData
from orchestrator.stats.srm import SrmResult, check_srm


def test_arms_as_drawn_raise_no_alarm():
    result = check_srm(observed=[5010, 4990], weights=[1, 1])
    assert isinstance(result, SrmResult)
    assert not result.is_alarm


def test_a_53_47_split_is_an_alarm():
    result = check_srm(observed=[12_720, 11_280], weights=[50, 50])
    assert isinstance(result, SrmResult)
    assert result.is_alarm
    assert result.sequential_p < 0.001
    assert result.log_bayes_factor > 0


def test_nobody_assigned_is_not_enough_data():
    assert check_srm(observed=[0, 0], weights=[1, 1]) == NotEnoughData("NO_ACCOUNTS")
    assert check_srm(observed=[], weights=[]) == NotEnoughData("NO_ACCOUNTS")


def test_one_arm_cannot_be_compared():
    assert check_srm(observed=[10], weights=[1]) == NotEnoughData("ONE_ARM")


def test_an_arm_of_weight_zero_is_left_out_unless_somebody_is_in_it():
    empty, used = (check_srm(observed=[500, 500, extra], weights=[1, 1, 0]) for extra in (0, 1))
    assert isinstance(empty, SrmResult)
    assert isinstance(used, SrmResult)
    assert (empty.p, empty.is_alarm) == (1.0, False)
    assert (used.unexpected, used.is_alarm) == (1, True)


def test_arms_and_weights_must_match():
    with pytest.raises(ValueError, match="argument"):
        check_srm(observed=[1, 2], weights=[1])


def test_sixty_daily_checks_of_fair_draws_alarm_in_at_most_two_percent():
    rng = np.random.default_rng(5)
    runs, alarms = 300, 0
    for _ in range(runs):
        treated = np.cumsum(rng.binomial(400, 0.5, 60))
        results = (
            check_srm(observed=[int(treated[day]), 400 * (day + 1) - int(treated[day])], weights=[1, 1])
            for day in range(0, 60, 2)
        )
        alarms += any(result.is_alarm for result in results if isinstance(result, SrmResult))
    assert alarms <= 0.02 * runs + 3 * (0.02 * 0.98 * runs) ** 0.5
