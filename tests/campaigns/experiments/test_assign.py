from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from campaigns.experiments import assign, decide, selectors
from campaigns.experiments.models import Assignment
from orchestrator.engine import bucketing
from tests.factories.experiments import STARTED_AT, experiment_ab
from tests.factories.profiles import AccountFactory


def pairs(accounts):
    return [(account.pk, account.external_id) for account in accounts]


@pytest.mark.django_db
def test_a_draw_is_recorded_and_stays():
    experiment = experiment_ab(salt="s")
    accounts = AccountFactory.create_batch(20)
    first = assign.draw(experiment=experiment, accounts=pairs(accounts), now=STARTED_AT)
    # when the weights change, what was drawn stays
    experiment.variants.filter(key="b").update(weight=0)
    second = assign.draw(experiment=experiment, accounts=pairs(accounts), now=STARTED_AT)
    assert {pk: one.variant_id for pk, one in first.items()} == {pk: one.variant_id for pk, one in second.items()}
    assert Assignment.objects.count() == 20


@pytest.mark.django_db
def test_anybody_can_recompute_an_arm_from_the_salt():
    experiment = experiment_ab(holdout_percent=20)
    accounts = AccountFactory.create_batch(50)
    drawn = assign.draw(experiment=experiment, accounts=pairs(accounts), now=STARTED_AT)
    for account in accounts:
        expected = bucketing.draw_arm(
            salt=experiment.salt, key=account.external_id, holdout_percent=20, weights=[("a", 50), ("b", 50)]
        )
        variant = drawn[account.pk].variant
        assert (variant.key if variant else None) == expected.arm
        assert drawn[account.pk].x == expected.x


@pytest.mark.django_db
def test_the_shares_come_out_as_designed():
    experiment = experiment_ab(holdout_percent=20, salt="shares")
    accounts = AccountFactory.create_batch(1500)
    assign.draw(experiment=experiment, accounts=pairs(accounts), now=STARTED_AT)
    counts = selectors.assigned_counts(experiment=experiment)
    assert abs(counts["holdout"] - 300) < 60
    assert abs(counts["a"] - 600) < 75
    assert sum(counts.values()) == 1500


@pytest.mark.django_db
def test_after_a_decision_newcomers_get_the_winner_and_the_holdout_stays():
    experiment = experiment_ab(holdout_percent=20)
    winner = experiment.variants.get(key="b")
    decide.choose_winner(experiment=experiment, variant=winner, by="dana", reason="ahead", now=STARTED_AT)
    accounts = AccountFactory.create_batch(60)
    drawn = assign.draw(experiment=experiment, accounts=pairs(accounts), now=STARTED_AT)
    arms = Counter(one.variant.key if one.variant else "holdout" for one in drawn.values())
    assert set(arms) == {"b", "holdout"}


@pytest.mark.django_db
def test_newcomers_after_a_decision_do_not_count_in_the_comparison():
    experiment = experiment_ab()
    winner = experiment.variants.get(key="b")
    decide.choose_winner(experiment=experiment, variant=winner, by="dana", reason="ahead", now=STARTED_AT)
    assign.draw(experiment=experiment, accounts=pairs(AccountFactory.create_batch(5)), now=STARTED_AT)
    assert sum(selectors.assigned_counts(experiment=experiment).values()) == 0


@pytest.mark.django_db(transaction=True)
def test_two_planners_drawing_at_once_read_the_same_arms():
    experiment = experiment_ab()
    accounts = AccountFactory.create_batch(200)
    found: list[dict[int, int | None]] = []
    barrier = threading.Barrier(2)

    def planner() -> None:
        barrier.wait()
        drawn = assign.draw(experiment=experiment, accounts=pairs(accounts), now=STARTED_AT)
        found.append({pk: one.pk for pk, one in drawn.items()})
        connection.close()

    threads = [threading.Thread(target=planner) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert Assignment.objects.count() == 200


class TestStickyDraws(HypothesisTestCase):
    @settings(max_examples=30, deadline=None)
    @given(batches=st.lists(st.lists(st.integers(0, 9), unique=True), max_size=6))
    def test_however_accounts_come_in_each_keeps_its_first_arm(self, batches):
        experiment = experiment_ab(holdout_percent=30)
        accounts = AccountFactory.create_batch(10)
        arms: dict[int, int | None] = {}
        for batch in batches:
            drawn = assign.draw(
                experiment=experiment, accounts=pairs([accounts[index] for index in batch]), now=STARTED_AT
            )
            for account_id, one in drawn.items():
                assert arms.setdefault(account_id, one.variant_id) == one.variant_id
