"""The home page while a large campaign runs whose test can be decided."""

from __future__ import annotations

from decimal import Decimal

import pytest
import time_machine

from campaigns.analytics import campaign_needs, tiles
from campaigns.sequences.models import Campaign
from tests.campaigns.console.home import HOME, LATER, looked_at_once
from tests.campaigns.console.reading import words_of
from tests.factories.billing import SubscriptionFactory
from tests.factories.results import HOLDOUT, Arm, campaign_with_results
from tests.factories.sequences import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def scene(shared_rows):
    with time_machine.travel(LATER, tick=False):
        arms = {"a": Arm(1200, 78), "b": Arm(1200, 126), HOLDOUT: Arm(600, 26)}
        looked_at_once(campaign_with_results(arms=arms))


@pytest.fixture
def busy(scene, settings, db):
    settings.SENDGRID_FROM_EMAIL = "hello@acme.example"
    with time_machine.travel(LATER, tick=False):
        yield Campaign.objects.get()


def test_a_test_that_is_ready_to_decide_needs_somebody(marketer, busy):
    words = words_of(marketer.get(HOME))
    assert "A test is ready to decide: wording B is ahead." in words
    assert "Seats at 80 %: 10.5 % upgraded with B, 6.5 % with A. Review the test" in words


def test_the_tiles_tell_what_campaigns_earned_beyond_the_holdout(marketer, busy):
    SubscriptionFactory(currency="EUR", mrr=Decimal(100), started_at=NOW)
    words = words_of(marketer.get(HOME))
    assert "Earned, live campaigns $5,000 more MRR than the holdout, between" in words
    assert "Upgraded 8.5 % of 2,400 4.3 % of the 600 accounts held out. Live campaigns" in words


def test_the_table_has_a_line_for_each_campaign(marketer, busy):
    words = words_of(marketer.get(HOME))
    assert "Seats at 80 % Live 3,000 8.5 % 4.3 % $5,000 $" in words
    assert "Decide the test" in words


def test_figures_that_nobody_asked_for_cost_few_queries(marketer, busy, django_assert_max_num_queries):
    marketer.get(HOME)
    with django_assert_max_num_queries(60):
        marketer.get(HOME)


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("HARM", "A wording does harm: B upgrades fewer accounts."),
        ("NO_DIFFERENCE", "A test is over: no difference could be shown."),
        ("DATA_PROBLEM", "A test’s split is not as planned: don’t read its result yet."),
    ],
)
def test_every_verdict_that_asks_for_a_decision_is_a_need(busy, kind, title):
    read = tiles.newest_results(experiment_ids=[busy.experiment_id])[busy.experiment_id]
    read = {**read, "verdict": {**read["verdict"], "kind": kind, "leader": None, "variant": "b"}}
    needs = campaign_needs.find_campaign_needs(campaigns=[busy], results={busy.experiment_id: read}, now=LATER)
    assert [need.title for need in needs] == [title]


def test_a_wording_that_makes_people_leave_is_not_called_ready_to_decide(busy):
    read = tiles.newest_results(experiment_ids=[busy.experiment_id])[busy.experiment_id]
    arms = [
        {**arm, "assigned": 200, "opted_out": opted_out} for arm, opted_out in zip(read["arms"], (4, 40), strict=True)
    ]
    ahead = {**read["verdict"], "kind": "AHEAD", "leader": "b", "variant": "b"}
    results = {busy.experiment_id: {**read, "arms": arms, "verdict": ahead}}
    needs = campaign_needs.find_campaign_needs(campaigns=[busy], results=results, now=LATER)
    assert [need.title for need in needs] == ["A wording does harm: more people unsubscribe."]
