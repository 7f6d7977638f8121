"""Two messages are never closer than the wait between them, in whatever order the jobs come by."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import F, Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.delivery import claim, dispatch, reconcile
from campaigns.delivery.models import DeliveryAttempt, Message, ProviderEvent
from campaigns.profiles.models import Account
from campaigns.sequences import advance, apply, awaited, figures, launch, move, replan, wake
from campaigns.sequences.models import Campaign, Enrolment
from orchestrator import clock
from orchestrator.channels import registry
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
DAY = timedelta(days=1)
MAIL = make.document()["steps"][0]
WAITS: list[dict[str, Any]] = [
    {"key": "wait", "kind": "WAIT", "for": "3d"},
    {"key": "wait", "kind": "WAIT", "until": {"event": "report_viewed"}, "at_most": "3d"},
]


def steps(wait: dict[str, Any]) -> list[dict[str, Any]]:
    return [MAIL, wait, MAIL | {"key": "mail-2"}]


@pytest.fixture(autouse=True)
def at_any_hour(settings):
    settings.FREQUENCY_CAPS = []
    registry.outbox("email").clear()


@pytest.fixture(params=WAITS, ids=["days", "event"])
def campaign(request) -> Campaign:
    make.market()
    make.ready_account()
    return make.launched(holdout_percent=None, exit_on=[], limits={"send_by_hours": 336}, steps=steps(request.param))


def look(now: datetime) -> None:
    """As whatever happens to somebody has them looked at."""
    wake._wake(Q(), [True], now)


def send(now: datetime) -> None:
    figures.renew_waiting(now=now)
    claim.make_ready(now=now, wall_now=clock.wall_now())
    dispatch.dispatch_due(channel="email", now=now, worker="tests")


def move_on(now: datetime) -> None:
    campaign = Campaign.objects.get()
    assert campaign.live_version is not None
    [wait] = [one for one in campaign.live_version.definition["steps"] if one["kind"] == "WAIT"]
    document = make.document(
        name=str(uuid4()), holdout_percent=None, exit_on=[], limits={"send_by_hours": 336}, steps=steps(wait)
    )
    apply.apply_campaign(document=document, by="dana", now=now)
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="ron", now=now)
    campaign.refresh_from_db()
    move.move_enrolments(campaign=campaign, by="dana", now=now, digest=move.preview_move(campaign=campaign).digest)


def change_facts(now: datetime) -> None:
    Account.objects.update(revision=F("revision") + 1)
    send(now)


ACTS = {
    "look": look,
    "send": send,
    "change": change_facts,
    "plan anew": lambda now: replan.plan_anew(now=now),
    "release": lambda now: awaited.release_awaited(now=now),
    "advance": lambda now: advance.advance_due(now=now),
    "move": move_on,
}
STEP = st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from([0, 1, 60, 2 * 24 * 60]))


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(way=st.lists(STEP, min_size=4, max_size=10), later=st.sampled_from([0, 4]))
def test_in_whatever_order_the_jobs_come_by(campaign, way, later):
    # No block of its own: a send begins in a transaction that stands in no other.
    before = transaction.savepoint_create()
    try:
        sent = _sent_after(way, later)
    finally:
        transaction.savepoint_rollback(before)
    assert len(sent) == 2
    assert all(after - before >= 3 * DAY for before, after in itertools.pairwise(sent))


def _sent_after(way: list[tuple[str, int]], later: int) -> list[datetime]:
    now = NOW
    # A limit put it off.
    Message.objects.update(due_at=NOW + later * DAY)
    moves = 0
    for act, minutes in way:
        now += timedelta(minutes=minutes)
        moves += act == "move"
        if act != "move" or moves == 1:
            ACTS[act](now)
    for _ in range(6):
        now += 2 * DAY
        for act in ("release", "plan anew", "advance", "send"):
            ACTS[act](now)
    went = Message.objects.filter(state="ACCEPTED").values_list("accepted_at", flat=True)
    return sorted(at for at in went if at is not None)


def test_who_is_looked_at_before_the_mail_goes_waits_from_when_it_went(campaign):
    at = NOW + 4 * DAY
    Message.objects.update(due_at=at)
    look(at)
    send(at)
    advance.advance_due(now=at + timedelta(seconds=5))
    row = Enrolment.objects.get()
    assert (row.step_key, row.step_entered_at, Message.objects.count()) == ("wait", at, 1)


def test_who_is_looked_at_while_what_was_given_back_is_not_planned_anew_waits_on(campaign):
    Message.objects.update(state="SKIPPED", reason="FACTS_CHANGED", ended_at=NOW)
    look(NOW + 4 * DAY)
    advance.advance_due(now=NOW + 4 * DAY)
    row = Enrolment.objects.get()
    assert (row.step_key, row.due_at, Message.objects.count()) == ("wait", None, 1)


def test_a_late_report_moves_no_wait(campaign):
    Message.objects.update(state="UNDETERMINED", attempt=1, ended_at=NOW)
    message = Message.objects.get()
    DeliveryAttempt.objects.create(message=message, number=1, started_at=clock.wall_now(), outcome="UNCLEAR")
    awaited.release_awaited(now=NOW)
    ProviderEvent.objects.create(
        received_at=clock.wall_now(), provider="sendgrid", key=uuid4().bytes, type="DELIVERED", at=NOW + 2 * DAY,
        message=message.uuid, attempt=1,
    )  # fmt: skip
    reconcile.reconcile(now=NOW + 2 * DAY, wall_now=clock.wall_now())
    message.refresh_from_db()
    assert (message.state, message.accepted_at) == ("ACCEPTED", NOW + 2 * DAY)
    look(NOW + 2 * DAY)
    advance.advance_due(now=NOW + 2 * DAY)
    assert Enrolment.objects.get().step_entered_at == NOW
