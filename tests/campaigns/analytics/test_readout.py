from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.analytics import readout, snapshot
from campaigns.billing.models import MrrMovement
from campaigns.conversions import find, goals
from campaigns.delivery.models import Message
from campaigns.experiments.models import Assignment, Snapshot
from campaigns.sequences.models import Campaign, Enrolment, Entry
from orchestrator.stats import incremental
from tests.factories import sequences as make
from tests.factories.billing import MrrMovementFactory
from tests.factories.profiles import AccountFactory

NOW = make.NOW
LATER = NOW + timedelta(days=3)


def upgrade(entry: Entry, *, delta: int = 70, at=LATER) -> None:
    movement = MrrMovementFactory(
        subscription=entry.account.subscriptions.get(), kind=MrrMovement.Kind.EXPANSION, delta=Decimal(delta), at=at
    )
    find.convert_movements(movements=[movement], now=at)


def read(campaign: Campaign, at=LATER, **changes):
    assert campaign.experiment is not None
    return readout.read_experiment(experiment=campaign.experiment, now=at, **changes)


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    make.market()
    for _ in range(40):
        make.ready_account()
    campaign = make.launched(holdout_percent=30)
    goals.settle_goals()
    return campaign


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


def entries(campaign, arm: str) -> list[Entry]:
    if arm == "holdout":
        return list(campaign.entries.filter(outcome="HOLDOUT").order_by("pk"))
    return list(campaign.entries.filter(assignment__variant__key=arm).order_by("pk"))


def test_everybody_drawn_counts_by_intention_to_treat(campaign):
    got = read(campaign)
    assert [arm.key for arm in got.arms] == ["a", "b"]
    assert sum(arm.assigned for arm in got.arms) == Enrolment.objects.count()
    assert got.holdout.assigned == 40 - Enrolment.objects.count()
    assert got.treated.assigned + got.holdout.assigned == Assignment.objects.count()


def test_upgrades_and_money_land_in_their_arm(campaign):
    upgrade(entries(campaign, "b")[0], delta=70)
    upgrade(entries(campaign, "b")[1], delta=30)
    upgrade(entries(campaign, "holdout")[0], delta=50)
    got = read(campaign)
    a, b = got.arms
    assert (a.upgraded, a.mrr) == (0, 0)
    assert (b.upgraded, b.mrr, b.mrr_squares) == (2, Decimal(100), Decimal(70**2 + 30**2))
    assert (got.holdout.upgraded, got.holdout.mrr) == (1, Decimal(50))
    assert b.rate == 2 / b.assigned


def test_two_upgrades_of_an_account_are_one_upgraded_account_with_their_sum(campaign):
    entry = entries(campaign, "a")[0]
    upgrade(entry, delta=30)
    upgrade(entry, delta=40, at=LATER + timedelta(days=1))
    a = read(campaign, at=LATER + timedelta(days=1)).arms[0]
    assert (a.upgraded, a.mrr, a.mrr_squares) == (1, Decimal(70), Decimal(70**2))


def test_incremental_mrr_is_the_difference_of_means_times_the_treated(campaign):
    upgrade(entries(campaign, "a")[0], delta=70)
    upgrade(entries(campaign, "holdout")[0], delta=10)
    got = read(campaign)
    expected = (70 / got.treated.assigned - 10 / got.holdout.assigned) * got.treated.assigned
    assert got.incremental.estimate == pytest.approx(expected)


def test_few_conversions_are_not_clear_yet(campaign):
    upgrade(entries(campaign, "a")[0])
    upgrade(entries(campaign, "holdout")[0])
    got = read(campaign)
    assert (got.incremental.is_clear, got.incremental.reason) == (False, incremental.NOT_ENOUGH_CONVERSIONS)
    assert got.verdict.kind == "NOT_YET"


def test_messages_are_counted_by_arm(campaign):
    message = Message.objects.filter(variant="a")[0]
    Message.objects.filter(pk=message.pk).update(
        state="ACCEPTED", accepted_at=NOW, delivered_at=NOW, clicked_at=NOW, unsubscribed_at=NOW
    )
    a, b = read(campaign).arms
    assert (a.sent, a.delivered, a.clicked, a.opted_out) == (1, 1, 1, 1)
    assert (b.sent, b.delivered, b.clicked, b.opted_out) == (0, 0, 0, 0)


def test_what_happens_after_the_moment_of_reading_does_not_count(campaign):
    upgrade(entries(campaign, "a")[0], at=LATER)
    assert read(campaign, at=LATER - timedelta(seconds=1)).treated.upgraded == 0


def test_accounts_inside_their_window_are_named_and_can_be_left_out(campaign):
    assert read(campaign).waiting == 40
    early = read(campaign, matured_only=True)
    assert (early.treated.assigned, early.waiting) == (0, 40)
    after = NOW + timedelta(days=14)
    assert read(campaign, at=after).waiting == 0
    assert read(campaign, at=after, matured_only=True).treated.assigned == Enrolment.objects.count()


def test_arms_as_large_as_drawn_raise_no_alarm(campaign):
    got = read(campaign)
    assert got.sample_ratio.is_alarm is False
    assert sum(got.sample_ratio.observed.values()) == 40


def test_a_holdout_that_is_too_small_stops_every_verdict(campaign):
    # given a hundred accounts that came into an arm by another way than the draw
    variant = campaign.experiment.variants.get(key="a")
    for account in AccountFactory.create_batch(150):
        assignment = Assignment.objects.create(
            experiment=campaign.experiment, account=account, variant=variant, x=0.9, at=NOW
        )
        Entry.objects.create(campaign=campaign, account=account, outcome="ENROLLED", assignment=assignment, at=NOW)
    got = read(campaign)
    assert got.sample_ratio.is_alarm
    assert got.verdict.kind == "DATA_PROBLEM"


def test_a_holdout_beside_good_arms_is_checked_too(campaign):
    for key in ("a", "b"):
        variant = campaign.experiment.variants.get(key=key)
        for account in AccountFactory.create_batch(100):
            assignment = Assignment.objects.create(
                experiment=campaign.experiment, account=account, variant=variant, x=0.9, at=NOW
            )
            Entry.objects.create(campaign=campaign, account=account, outcome="ENROLLED", assignment=assignment, at=NOW)
    verdict = read(campaign).verdict
    assert (verdict.kind, verdict.reasons) == ("DATA_PROBLEM", ("SAMPLE_RATIO_MISMATCH",))


def test_a_snapshot_keeps_what_was_seen(campaign):
    upgrade(entries(campaign, "a")[0])
    assert snapshot.take_snapshots(now=NOW + timedelta(days=14)) == 1
    results = Snapshot.objects.get().results
    assert results["arms"][0]["mrr"] == "70.00"
    assert results["treated"]["upgraded"] == 1
    assert results["verdict"]["kind"] == "NOT_YET"


def test_a_snapshot_judges_only_accounts_whose_window_is_over(campaign):
    upgrade(entries(campaign, "a")[0])
    snapshot.take_snapshots(now=LATER)
    results = Snapshot.objects.get().results
    assert (results["treated"]["assigned"], results["treated"]["upgraded"], results["waiting"]) == (0, 0, 40)


def test_opt_outs_of_accounts_that_are_not_counted_do_not_count(campaign):
    Message.objects.update(state="ACCEPTED", accepted_at=NOW, unsubscribed_at=NOW)
    assert read(campaign, matured_only=True).treated.opted_out == 0
    assert read(campaign).treated.opted_out == Message.objects.count()


def test_days_are_not_told_when_nobody_waits_and_accounts_are_missing(campaign):
    upgrade(entries(campaign, "a")[0])
    upgrade(entries(campaign, "b")[0])
    before = read(campaign, at=NOW + timedelta(days=13))
    after = read(campaign, at=NOW + timedelta(days=14), matured_only=True)
    assert before.verdict.days_to_go is not None
    assert (after.verdict.days_to_go, after.accounts_to_go) == (None, 24 * after.treated.assigned)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deltas=st.lists(st.one_of(st.none(), st.integers(1, 500)), min_size=8, max_size=8))
def test_whatever_upgrades_the_arms_sum_to_it(campaign, deltas):
    with transaction.atomic():
        # given some of both arms
        for entry, delta in zip(campaign.entries.order_by("-outcome", "pk")[8:16], deltas, strict=True):
            if delta is not None:
                upgrade(entry, delta=delta)
        got = read(campaign)
        transaction.set_rollback(True)
    known = [delta for delta in deltas if delta is not None]
    assert got.treated.mrr + got.holdout.mrr == sum(known)
    assert got.treated.mrr_squares + got.holdout.mrr_squares == sum(delta**2 for delta in known)
    assert got.treated.upgraded + got.holdout.upgraded == len(known)
