"""What stands still is told with its reason, and may be driven on without doubling anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.analytics import stalls
from campaigns.analytics.stalls import Cause
from campaigns.delivery import stalled, switch
from campaigns.delivery.models import ChannelHealth, DeliveryAttempt, IntakeWatch, Message, SendGate
from campaigns.operations.models import AuditEntry, TickSlot, WorkerHeartbeat
from campaigns.sequences.models import Campaign, Enrolment
from orchestrator import clock
from tests.factories import sequences as make
from tests.factories.delivery import NOW, MessageFactory, ReadyMessageFactory, SendGateFactory

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
LATE = NOW + 16 * MINUTE
State = Message.State


@pytest.fixture
def alive():
    """A worker and the timetable, seen this second."""
    wall_now = clock.wall_now()
    WorkerHeartbeat.objects.create(name="w1", queue="now", pid=1, started_at=wall_now, seen_at=wall_now)
    TickSlot.objects.create(task="reconcile", slot=wall_now)


@pytest.fixture
def waits():
    return ReadyMessageFactory(gate=SendGateFactory(slug="seats-80", changed_at=NOW - MINUTE))


def causes(now=LATE):
    return [(one.campaign, one.what, one.number, one.cause) for one in stalls.find_stalls(now=now, wall_now=wall())]


def wall():
    return clock.wall_now()


def test_what_is_due_a_moment_ago_is_not_told(alive, waits):
    MessageFactory(due_at=NOW + timedelta(days=1))

    assert causes(now=NOW + 14 * MINUTE) == []


def test_what_nobody_knows_a_reason_for_is_told_by_campaign_and_channel(alive, waits):
    MessageFactory(gate=waits.gate)

    assert causes() == [("seats-80", "email", 2, Cause.NO_REASON)]


def test_since_counts_from_when_it_was_let_go_again(alive, waits):
    SendGate.objects.update(changed_at=NOW + 10 * MINUTE)
    assert causes() == []

    switch.set_switch(is_on=True, by="dana", now=NOW + 12 * MINUTE)
    assert causes(now=NOW + 26 * MINUTE) == []
    assert stalls.find_stalls(now=NOW + 27 * MINUTE, wall_now=wall())[0].since == NOW + 12 * MINUTE


def test_a_pause_says_by_whom_and_is_nothing_to_worry_about(alive, waits):
    SendGate.objects.update(state="PAUSED", changed_at=LATE)
    AuditEntry.objects.create(at=NOW, actor="dana", action="campaign.paused", subject="campaign:seats-80")

    (stall,) = stalls.find_stalls(now=LATE, wall_now=wall())

    assert (stall.cause, stall.by, stall.at, stall.is_quiet) == (Cause.PAUSED, "dana", NOW, True)


def test_the_switch_says_by_whom(alive, waits):
    switch.set_switch(is_on=False, by="avi", reason="test", now=LATE)

    (stall,) = stalls.find_stalls(now=LATE, wall_now=wall())

    assert (stall.cause, stall.by, stall.can_be_driven) == (Cause.SWITCH, "avi", False)


@pytest.mark.parametrize("age", [None, 40])
def test_without_a_worker_that_is_the_reason(waits, age):
    seen = wall() - timedelta(seconds=age or 0)
    if age:
        WorkerHeartbeat.objects.create(name="w1", queue="now", pid=1, started_at=seen, seen_at=seen)

    (stall,) = stalls.find_stalls(now=LATE, wall_now=wall())

    assert stall.cause == Cause.WORKER
    assert (stall.at is None) == (age is None)


@pytest.mark.parametrize(
    ("health", "cause"),
    [
        ({"opened_at": -9, "probe_at": 1}, Cause.BREAKER),
        ({"paused_until": 5}, Cause.ASKED_TO_WAIT),
        ({"answered_at": 0}, Cause.IN_LINE),
        ({"answered_at": -5}, Cause.NO_REASON),
    ],
)
def test_the_provider_may_be_the_reason(alive, waits, health, cause):
    now = wall()
    ChannelHealth.objects.create(channel="email", **{name: now + n * MINUTE for name, n in health.items()})

    assert causes() == [("seats-80", "email", 1, cause)]


def test_what_is_put_off_again_and_again_is_told_too(alive, waits):
    Message.objects.update(next_at=wall() + 4 * MINUTE)

    assert causes() == [("seats-80", "email", 1, Cause.RETRIED)]


def test_what_a_fault_of_ours_puts_off_is_told_as_such(alive, waits):
    Message.objects.update(next_at=wall() + 4 * MINUTE, attempt=1)
    DeliveryAttempt.objects.create(message=waits, number=1, started_at=wall(), outcome="BUSY", code="fault")

    assert causes() == [("seats-80", "email", 1, Cause.FAULT)]


def test_what_a_dead_worker_holds_or_nobody_settles_is_told(alive, waits):
    long_ago = wall() - timedelta(hours=3)
    MessageFactory(gate=waits.gate, state=State.SENDING, attempt=1, lease_until=long_ago)
    MessageFactory(gate=waits.gate, state=State.UNKNOWN, attempt=1, unknown_at=long_ago)

    now = wall()
    assert sorted(cause for *_, cause in causes(now=now)) == [Cause.IN_HAND, Cause.NO_REASON, Cause.NO_REASON]
    # Its window is counted anew after an outage: then it may stay unclear for longer.
    IntakeWatch.objects.create(id=1, since=now - 5 * MINUTE, seen_at=now)
    assert sorted(cause for *_, cause in causes(now=now)) == [Cause.IN_HAND, Cause.NO_REASON]


def test_people_whose_next_step_is_due_are_told(alive):
    make.market()
    make.ready_account()
    campaign = make.launched(holdout_percent=None)
    Enrolment.objects.update(due_at=make.NOW + MINUTE)
    Message.objects.all().update(state=State.SKIPPED, reason="CAPPED")
    now = make.NOW + timedelta(hours=1)

    assert causes(now=now) == [(campaign.slug, stalls.PEOPLE, 1, Cause.NO_REASON)]
    Campaign.objects.update(status=Campaign.Status.PAUSED)
    assert causes(now=now) == [(campaign.slug, stalls.PEOPLE, 1, Cause.PAUSED)]


def test_driving_again_releases_what_nobody_holds_and_leaves_the_rest(waits):
    now = wall()
    put_off = ReadyMessageFactory(gate=waits.gate, next_at=now + 4 * MINUTE)
    dead = MessageFactory(gate=waits.gate, state=State.CLAIMED, attempt=1, lease_until=now - MINUTE)
    gone = MessageFactory(gate=waits.gate, state=State.SENDING, attempt=1, lease_until=now - MINUTE)
    held = MessageFactory(gate=waits.gate, state=State.SENDING, attempt=1, lease_until=now + MINUTE)
    others = ReadyMessageFactory(next_at=now + 4 * MINUTE)

    assert stalled.drive_again(gate="seats-80", by="dana", now=LATE, wall_now=now) == 3

    states = dict(Message.objects.values_list("pk", "state"))
    assert [states[one.pk] for one in (put_off, dead, gone, held)] == ["READY", "READY", "UNKNOWN", "SENDING"]
    assert set(Message.objects.filter(next_at__lte=now).values_list("pk", flat=True)) == {
        waits.pk, put_off.pk, dead.pk,
    }  # fmt: skip
    others.refresh_from_db()
    assert others.next_at == now + 4 * MINUTE
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject) == ("dana", "campaign.driven_again", "campaign:seats-80")
