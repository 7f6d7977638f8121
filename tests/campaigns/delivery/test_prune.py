"""What a message said goes first, much later the message; whoever comes back with it is still understood."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.delivery import feedback, links, prune
from campaigns.delivery.models import (
    DeliveryAttempt,
    InAppMessage,
    Message,
    PastMessage,
    ProviderEvent,
    TrackedLink,
)
from campaigns.operations import partitions, retention
from orchestrator.channels.events import EventType
from tests.campaigns.delivery.reports import report
from tests.factories.delivery import NOW, CsmTaskFactory, MessageFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DETAILS, MESSAGES, REPORTS = NOW + 184 * DAY, NOW + 1127 * DAY, NOW + 500 * DAY


def sent(**changes):
    return MessageFactory(state="ACCEPTED", attempt=1, accepted_at=NOW, ended_at=NOW, **changes)


def store(*events, at=NOW):
    return feedback.store_events(events=events, now=at, wall_now=at)


def apply(at=NOW):
    return feedback.apply_feedback(now=at, wall_now=at)


def path_of(message, view="unsubscribe"):
    url = {"unsubscribe": links.unsubscribe_url, "preferences": links.preferences_url}[view]
    return url(message_uuid=message.uuid).removeprefix("http://127.0.0.1:8000")


def test_details_go_and_what_came_of_the_message_stays():
    message = sent(clicked_at=NOW)
    DeliveryAttempt.objects.create(message=message, number=1, started_at=NOW, outcome="ACCEPTED")
    TrackedLink.objects.create(message=message, kind="offer", target="http://127.0.0.1:8000/o/x")
    young = sent()
    Message.objects.filter(pk=young.pk).update(ended_at=DETAILS)

    assert prune.empty_details(now=DETAILS) == retention.Taken(1, True)

    message.refresh_from_db()
    young.refresh_from_db()
    assert (message.context, message.state, message.attempt, message.clicked_at) == ({}, "ACCEPTED", 1, NOW)
    assert (DeliveryAttempt.objects.count(), TrackedLink.objects.count()) == (0, 1)
    assert young.context
    assert prune.empty_details(now=DETAILS).rows == 0


@pytest.mark.parametrize("state", ["PLANNED", "READY", "UNKNOWN"])
def test_an_open_message_keeps_its_details(state):
    message = MessageFactory(state=state, ended_at=NOW, unknown_at=NOW)

    assert prune.empty_details(now=MESSAGES).rows == 0

    message.refresh_from_db()
    assert message.context


def test_a_banner_that_may_still_be_shown_keeps_its_wording():
    shown, over = sent(channel="in_app"), sent(channel="in_app")
    for message, until in ((shown, DETAILS), (over, NOW)):
        InAppMessage.objects.create(
            message=message, contact=message.contact, html="<p>Hi</p>", shown_from=NOW, expires_at=until
        )

    prune.empty_details(now=DETAILS)

    assert dict(InAppMessage.objects.values_list("message_id", "html")) == {shown.pk: "<p>Hi</p>", over.pk: ""}


def test_messages_nobody_points_at_go_and_calls_stay():
    test, question = sent(purpose="TEST"), sent(purpose="TRANSACTIONAL", origin_campaign="")
    call = CsmTaskFactory()

    assert prune.remove_messages(now=MESSAGES) == retention.Taken(2, True)

    assert list(Message.objects.all()) == [call.message]
    assert list(PastMessage.objects.values_list("pk", flat=True)) == [question.uuid]
    assert test.uuid != question.uuid


def test_a_mail_after_which_a_customer_was_called_stays():
    mail = sent(purpose="TRANSACTIONAL", origin_campaign="")
    CsmTaskFactory(message=mail, state="DONE", outcome="INTERESTED", closed_at=NOW)

    assert prune.remove_messages(now=MESSAGES) == retention.Taken(0, True)


def test_a_batch_is_not_left_out_for_being_full(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        sent()

    first = prune.remove_messages(now=MESSAGES, most=1)
    rest = prune.remove_messages(now=MESSAGES)

    assert (first, rest) == (retention.Taken(2, False), retention.Taken(3, True))


def test_an_unsubscribe_link_works_for_ever():
    message = sent()
    prune.remove_messages(now=MESSAGES)
    assert not Message.objects.exists()

    page = Client().get(path_of(message))
    done = Client().post(path_of(message), {"List-Unsubscribe": "One-Click"})

    assert (page.status_code, done.status_code) == (200, 200)
    assert ContactPoint.objects.get(pk=message.point_id).is_blocked
    assert ConsentRecord.objects.get().source == "one_click"


def test_a_preference_link_works_for_ever():
    message = sent()
    prune.remove_messages(now=MESSAGES)

    assert Client().get(path_of(message, "preferences")).status_code == 200
    assert Client().post(path_of(message, "preferences"), {"action": "stop"}).status_code == 200
    assert ContactPoint.objects.get(pk=message.point_id).is_blocked


def test_a_complaint_about_a_message_that_is_gone_still_counts():
    message = sent()
    prune.remove_messages(now=MESSAGES)
    late = report(EventType.COMPLAINED, message=message, at=MESSAGES)
    nameless = type(late)(**{name: getattr(late, name) for name in late.__slots__} | {"address": ""})

    assert store(nameless, at=MESSAGES).opted_out == 1

    apply(MESSAGES)
    assert ContactPoint.objects.get(pk=message.point_id).reason == ContactPoint.Reason.COMPLAINED


def test_reports_go_by_whole_months_and_come_again_as_known():
    message = sent()
    partitions.make_months(now=NOW)
    event, complaint = report(EventType.DELIVERED, message=message), report(EventType.COMPLAINED, message=message)
    store(event, complaint)
    apply()

    prune.remove_reports(now=REPORTS, wall_now=REPORTS)

    assert ProviderEvent.objects.count() == 0
    records = ConsentRecord.objects.count()
    assert (store(event, complaint, at=REPORTS).new, apply(REPORTS)) == (0, 0)
    message.refresh_from_db()
    assert (message.delivered_at, ConsentRecord.objects.count()) == (NOW, records)


def test_a_month_with_a_report_that_is_not_applied_stays():
    partitions.make_months(now=NOW)
    store(report(EventType.DELIVERED, message=sent()))

    prune.remove_reports(now=REPORTS, wall_now=REPORTS)
    assert ProviderEvent.objects.count() == 1

    apply(REPORTS)
    prune.remove_reports(now=REPORTS, wall_now=REPORTS)
    assert ProviderEvent.objects.count() == 0


def test_reports_beside_every_month_go_too():
    store(report(EventType.DELIVERED, message=sent()))
    apply()
    assert partitions.rows_in_default()["delivery_providerevent"] == 1

    assert prune.remove_reports(now=REPORTS, wall_now=REPORTS) == retention.Taken(1, True)


@pytest.mark.parametrize("agent", ["Mozilla/5.0 Chrome/140", "curl/8"])
def test_a_late_click_does_not_undo_one_whose_report_is_gone(agent):
    """Credits and figures rest on the time of the first click: a machine that follows an old mail changes neither."""
    message = sent()
    link = TrackedLink.objects.create(message=message, kind="offer", target="http://127.0.0.1:8000/o/x")
    hour = NOW + timedelta(hours=1)
    store(report(EventType.CLICKED, message=message, at=hour))
    apply()
    TrackedLink.objects.update(human_hits=1)
    prune.remove_reports(now=REPORTS, wall_now=REPORTS)

    store(report(EventType.CLICKED, message=message, at=REPORTS, agent=agent), at=REPORTS)
    apply(REPORTS)

    message.refresh_from_db()
    link.refresh_from_db()
    assert (message.clicked_at, link.human_hits) == (hour, 1)
