from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from orchestrator.stats.verdict import VariantArm, judge

START = datetime(2026, 3, 1, tzinfo=UTC)
FAIR = {"a": 50, "b": 50}


def verdict(a, b, *, days=14, n_star=4000, weights=FAIR, **extra):
    arms = {"a": VariantArm(*a), "b": VariantArm(*b)}
    return judge(
        arms=arms,
        control="a",
        weights=weights,
        started_at=START,
        now=START + timedelta(days=days),
        n_star=n_star,
        **extra,
    )


def test_a_clear_winner_is_ahead():
    result = verdict((2000, 100), (2000, 200))
    assert (result.kind, result.leader, result.variant, result.reasons) == ("AHEAD", "b", "b", ())
    assert result.low > 0
    assert result.estimate == pytest.approx(0.05)


def test_nobody_wins_before_seven_full_days():
    result = verdict((2000, 100), (2000, 200), days=6.99)
    assert (result.kind, result.leader, result.reasons, result.days_to_go) == ("NOT_YET", None, ("NOT_ENOUGH_DAYS",), 1)


def test_nobody_wins_before_25_conversions_in_the_smaller_arm():
    result = verdict((2000, 24), (2000, 200))
    assert (result.kind, result.reasons) == ("NOT_YET", ("NOT_ENOUGH_CONVERSIONS",))


def test_a_worse_variant_is_harm_and_the_control_leads():
    result = verdict((2000, 200), (2000, 100))
    assert (result.kind, result.leader, result.variant) == ("HARM", "a", "b")
    assert result.high < 0


def test_a_variant_that_converts_nobody_is_harm_without_waiting_for_25():
    assert verdict((2000, 200), (2000, 0), days=3).kind == "HARM"


def test_not_yet_says_what_is_missing_and_how_long_it_takes():
    result = verdict((500, 30), (500, 33), days=10, n_star=4000)
    assert (result.kind, result.reasons) == ("NOT_YET", ("INTERVAL_INCLUDES_ZERO",))
    assert result.days_to_go == 30


@pytest.mark.parametrize(("pace", "days_to_go"), [(100, 30), (50, 60), (5, None), (0, None)])
def test_how_long_it_takes_goes_by_the_pace_of_late(pace, days_to_go):
    result = verdict((500, 30), (500, 33), days=10, n_star=4000, accounts_per_day=pace)
    assert result.days_to_go == days_to_go


def test_at_the_planned_size_without_a_difference_it_is_over():
    result = verdict((2000, 100), (2000, 104))
    assert (result.kind, result.leader) == ("NO_DIFFERENCE", None)
    assert result.reasons == ("PLANNED_SIZE_REACHED", "INTERVAL_INCLUDES_ZERO")


def test_arms_of_the_wrong_size_are_a_data_problem():
    result = verdict((2300, 100), (1700, 200))
    assert (result.kind, result.reasons, result.estimate) == ("DATA_PROBLEM", ("SAMPLE_RATIO_MISMATCH",), None)
    assert result.srm_p < 0.001


def test_accounts_in_an_arm_that_was_not_drawn_are_a_data_problem():
    assert verdict((200, 10), (200, 10), weights={"a": 1, "c": 1}).reasons == ("UNEXPECTED_ARM",)


def test_a_handful_of_accounts_is_no_mismatch():
    assert verdict((12, 0), (0, 0)).kind == "NOT_YET"


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [((0, 0), (0, 0), "NO_ACCOUNTS"), ((1, 0), (1, 1), "TOO_FEW_ACCOUNTS"), ((50, 0), (50, 0), "NO_VARIATION")],
)
def test_empty_arms_are_explained(a, b, reason):
    result = verdict(a, b)
    assert (result.kind, result.reasons, result.estimate, result.days_to_go) == ("NOT_YET", (reason,), None, None)


def test_a_single_arm_has_nothing_to_be_compared_with():
    result = judge(
        arms={"a": VariantArm(50, 3)}, control="a", weights={"a": 1}, started_at=START, now=START, n_star=100
    )
    assert (result.kind, result.reasons) == ("NOT_YET", ("ONE_ARM",))


def test_several_variants_share_alpha():
    def ask(arms, n_star):
        weights = dict.fromkeys(arms, 1.0)
        later = START + timedelta(days=20)
        return judge(arms=arms, control="a", weights=weights, started_at=START, now=later, n_star=n_star).kind

    arms = {"a": VariantArm(2000, 100), "b": VariantArm(2000, 152)}
    assert ask(arms, 4000) == "AHEAD"
    assert ask(arms | {name: VariantArm(2000, 100) for name in "cdefgh"}, 16_000) != "AHEAD"


def test_daily_peeks_at_nothing_name_a_winner_no_more_often_than_alpha():
    """1,000 A/A tests, 60 daily looks, 90/10 split: the hard case for anything asymptotic."""
    runs, days, alpha, rng = 1000, 60, 0.05, np.random.default_rng(3)
    sizes = {"a": 180, "b": 20}
    called = {"AHEAD": 0, "HARM": 0}
    for _ in range(runs):
        hits = {name: np.cumsum(rng.binomial(size, 0.10, days)) for name, size in sizes.items()}
        kinds = set()
        for day in range(days):
            arms = {name: VariantArm(size * (day + 1), int(hits[name][day])) for name, size in sizes.items()}
            kinds.add(
                judge(
                    arms=arms,
                    control="a",
                    weights=sizes,
                    started_at=START,
                    now=START + timedelta(days=day + 1),
                    n_star=12_000,
                ).kind
            )
        for kind in called:
            called[kind] += kind in kinds
    limit = (alpha + 3 * (alpha * (1 - alpha) / runs) ** 0.5) * runs
    assert sum(called.values()) <= limit


def test_a_real_lift_is_found():
    """+20 % on 5 % at 400 a day for 60 days: the confidence sequence finds at least 70 %."""
    runs, rng, found = 120, np.random.default_rng(4), 0
    for _ in range(runs):
        a, b = (np.cumsum(rng.binomial(200, rate, 60)) for rate in (0.05, 0.06))
        looks = (
            verdict((200 * day, int(a[day - 1])), (200 * day, int(b[day - 1])), days=day, n_star=24_000)
            for day in range(10, 61, 5)
        )
        found += any(look.kind == "AHEAD" for look in looks)
    assert found >= 0.62 * runs
