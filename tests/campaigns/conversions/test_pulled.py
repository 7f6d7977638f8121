"""Movements are pulled in by their numbers, which takes transactions that really end."""

from __future__ import annotations

import pytest

from campaigns.conversions import find, sweep
from tests.campaigns.conversions.upgrades import LATER, campaign_of, expansion
from tests.factories.billing import MrrMovementFactory
from tests.settled import wait_until_settled


@pytest.mark.django_db(transaction=True)
def test_only_expansions_are_pulled_in_and_each_once():
    # given an account whose first movement is NEW, and an upgrade
    account = campaign_of().entries.get().account
    MrrMovementFactory(subscription=account.subscriptions.get(), at=LATER)
    expansion(account)
    wait_until_settled()
    # when
    first, second = find.find_conversions(now=LATER), find.find_conversions(now=LATER)
    # then
    assert (first.movements, first.conversions) == (2, 1)
    assert (second.movements, second.conversions) == (0, 0)
    assert sweep.sweep_conversions(now=LATER) == []
