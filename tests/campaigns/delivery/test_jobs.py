from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery import feedback, jobs, selectors
from campaigns.delivery.models import Message
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.channels.events import EventType
from tests.campaigns.delivery.reports import report
from tests.factories.delivery import MessageFactory, SendGateFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def outbox():
    box = registry.outbox("email")
    box.clear()
    yield box
    box.clear()


def planned(**changes):
    now = clock.utcnow()
    return MessageFactory(due_at=now - timedelta(minutes=1), planned_at=now, send_by=None, **changes)


def test_what_is_due_goes_on_every_channel(outbox):
    mail, banner = planned(), planned(channel="in_app")

    jobs.dispatch()

    assert set(Message.objects.values_list("pk", "state")) == {(mail.pk, "ACCEPTED"), (banner.pk, "ACCEPTED")}
    assert len(outbox.sent) == 1


def test_stored_reports_are_applied_and_dead_claims_repaired(outbox):
    message = planned()
    jobs.dispatch()
    feedback.store_events(
        events=[report(EventType.DELIVERED, message=message)], now=clock.utcnow(), wall_now=clock.wall_now()
    )

    jobs.apply_feedback()
    jobs.reconcile()

    message.refresh_from_db()
    assert message.delivered_at is not None
    assert selectors.unapplied_reports() == 0


def test_the_counts_sum_to_everything_planned_but_test_sends():
    gate = SendGateFactory(slug="seats")
    for changes in ({}, {"state": "SKIPPED", "reason": "OPTED_OUT"}, {"variant": "b"}, {"purpose": "TEST"}):
        MessageFactory(gate=gate, **changes)

    counts = selectors.message_counts(campaign_slug="seats")

    assert sum(one.messages for one in counts) == 3
    assert {(one.variant, one.state) for one in counts} == {("", "PLANNED"), ("", "SKIPPED"), ("b", "PLANNED")}


def test_without_a_key_a_channel_is_said_to_be_offline():
    assert selectors.offline_channels() == ["email", "sms"]
