"""A goal that is edited is recomputed for everybody who ever entered, the past included."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns.billing.models import MrrMovement
from campaigns.conversions import find, goals, recompute
from campaigns.conversions.models import AttributionCredit, Conversion, Goal
from campaigns.delivery.models import Message
from campaigns.operations.models import AuditEntry
from campaigns.sequences import apply, launch
from campaigns.sequences.models import Campaign
from tests.factories import sequences as make
from tests.factories.billing import MrrMovementFactory

pytestmark = pytest.mark.django_db
NOW = make.NOW
LATER = NOW + timedelta(days=30)


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    """Two accounts: one upgraded on day 5 after a click, one on day 20. The goal is 14 days."""
    make.market()
    for _ in range(2):
        make.ready_account()
    made = make.launched(holdout_percent=None)
    goals.settle_goals()
    early, late = (entry.account for entry in made.entries.order_by("pk"))
    Message.objects.filter(account=early).update(clicked_at=NOW + timedelta(days=1))
    movements = [expansion(early, days=5), expansion(late, days=20)]
    find.convert_movements(movements=movements, now=LATER)
    assert days_of() == [5]
    return made


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


def expansion(account, *, days: int) -> MrrMovement:
    return MrrMovementFactory(
        subscription=account.subscriptions.get(),
        kind=MrrMovement.Kind.EXPANSION,
        delta=Decimal(70),
        at=NOW + timedelta(days=days),
    )


def days_of() -> list[int]:
    return sorted((at - NOW).days for at in Conversion.objects.values_list("converted_at", flat=True))


def edit(campaign: Campaign, days: int) -> list[recompute.Recomputed]:
    changed = make.document(holdout_percent=None, goal={"kind": "UPGRADE", "window_days": days})
    apply.apply_campaign(document=changed, by="dana", now=LATER)
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="dana", now=LATER)
    return recompute.recompute_changed(now=LATER)


def test_a_draft_of_another_goal_changes_nothing(campaign):
    changed = make.document(holdout_percent=None, goal={"kind": "UPGRADE", "window_days": 30})
    apply.apply_campaign(document=changed, by="dana", now=LATER)
    assert recompute.recompute_changed(now=LATER) == []
    assert Goal.objects.get().window_days == 14


def test_a_longer_goal_finds_what_was_too_late_before(campaign):
    assert edit(campaign, 30) == [recompute.Recomputed("seats-80", gone=0, found=1)]
    assert days_of() == [5, 20]
    campaign.refresh_from_db()
    assert campaign.experiment.goal_window_days == 30


def test_a_shorter_goal_takes_back_what_was_later_and_its_credit(campaign):
    assert AttributionCredit.objects.count() == 1
    assert edit(campaign, 3) == [recompute.Recomputed("seats-80", gone=1, found=0)]
    assert (days_of(), AttributionCredit.objects.count()) == ([], 0)
    assert not Message.objects.filter(converted_at__isnull=False).exists()


def test_there_and_back_again_is_as_it_was(campaign):
    edit(campaign, 3)
    edit(campaign, 14)
    assert days_of() == [5]
    assert AttributionCredit.objects.count() == 1
    assert Message.objects.filter(converted_at__isnull=False).count() == 1


def test_a_second_look_finds_nothing_to_do_and_the_first_is_written_down(campaign):
    edit(campaign, 30)
    assert recompute.recompute_changed(now=LATER) == []
    note = AuditEntry.objects.get(action="goal.recomputed")
    assert (note.before, note.after) == ({"window_days": 14}, {"window_days": 30, "gone": 0, "found": 1})
