"""Enrolled once: planners, a segment that changes and accounts that come back, all at once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from campaigns.delivery.models import Message
from campaigns.segments import refresh
from campaigns.sequences import enrol
from campaigns.sequences.models import Enrolment, Entry, StepRun
from campaigns.usage.models import UsageDaily
from tests.connections import run_together
from tests.factories import sequences as make
from tests.factories.profiles import MembershipFactory
from tests.scale import examples
from tests.settled import wait_until_settled

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

NOW = make.NOW
ACCOUNTS = 8
ROUNDS = 4


def refresh_audience(campaign) -> None:
    refresh.refresh_segment(segment=campaign.segment, now=NOW)


def change_usage(accounts, chance: random.Random) -> None:
    """Some fall below the line of the segment, some pass it."""
    for account in chance.sample(accounts, len(accounts) // 2):
        UsageDaily.objects.filter(account=account).update(value=Decimal(chance.choice([2, 9])))


@pytest.mark.parametrize("reentry", ["NEVER", "ALWAYS", "AFTER_COOLDOWN"])
def test_two_planners_a_refresh_and_coming_back_at_once_enrol_nobody_twice(reentry):
    make.market()
    accounts = [make.ready_account() for _ in range(ACCOUNTS)]
    shared = make.reader(accounts[0])
    for account in accounts[1:3]:
        MembershipFactory(account=account, contact=shared, role="OWNER")
    entry = {"reentry": reentry, "cooldown_days": 1}
    campaign = make.launched(holdout_percent=None, entry=entry, exit_on=["LEFT_SEGMENT"])
    chance = random.Random(reentry)
    moment = NOW

    for _ in range(max(ROUNDS, examples(0) // 50)):
        moment += timedelta(days=2)
        work: list[Callable[[], object]] = [
            partial(enrol.enrol_due, now=moment),
            partial(enrol.enrol_due, now=moment),
            partial(refresh_audience, campaign),
            partial(refresh_audience, campaign),
            partial(change_usage, accounts, chance),
            partial(make.go_on, now=moment),
        ]
        run_together(*work)
        check_once(campaign, reentry)
    wait_until_settled()
    refresh_audience(campaign)
    enrol.enrol_due(now=moment)

    check_once(campaign, reentry)
    assert Entry.objects.count() >= ACCOUNTS


def check_once(campaign, reentry: str) -> None:
    open_of = Counter(Enrolment.objects.filter(state=Enrolment.State.OPEN).values_list("contact", flat=True))
    assert set(open_of.values()) <= {1}
    entries = Counter(Entry.objects.values_list("account", "number"))
    assert set(entries.values()) <= {1}
    if reentry == "NEVER":
        assert {number for _, number in entries} == {1}
    runs = Counter(StepRun.objects.values_list("enrolment", "step_key", "visit"))
    assert set(runs.values()) <= {1}
    keys = Message.objects.values_list("dedupe_key", flat=True)
    assert len(keys) == len(set(keys))
    assert not Enrolment.objects.filter(state=Enrolment.State.OPEN, runs__isnull=True).exists()
