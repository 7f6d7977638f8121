from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test import override_settings

from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.delivery import feedback, reconcile
from campaigns.delivery.models import Message, ProviderEvent
from orchestrator import clock
from tests.campaigns.delivery.twilio import PHONE, TOKEN, post, sms_message
from tests.factories.delivery import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _token():
    with override_settings(TWILIO_AUTH_TOKEN=TOKEN):
        yield


def report(client, message, status, code="", **options):
    fields = {"MessageSid": "SM1", "MessageStatus": status, "To": message.contact.phone, "From": "+1500", "New": "x"}
    if code:
        fields["ErrorCode"] = str(code)
    return post(client, f"/webhooks/twilio/status/{message.uuid}", fields, **options)


def applied(message):
    feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())
    message.refresh_from_db()
    return message


def test_a_status_is_stored_once_however_often_it_comes(client):
    message = sms_message()

    answers = [report(client, message, status).status_code for status in ("delivered", "sent", "delivered", "queued")]

    assert answers == [200] * 4
    assert sorted(ProviderEvent.objects.values_list("type", flat=True)) == ["DELIVERED", "PROCESSED", "PROCESSED"]
    assert applied(message).delivered_at


def test_a_status_proves_that_an_unclear_message_left(client):
    message = sms_message(state=Message.State.UNKNOWN, accepted_at=None, unknown_at=clock.wall_now())

    report(client, message, "queued")
    reconcile.reconcile(now=NOW, wall_now=clock.wall_now())

    message.refresh_from_db()
    assert message.state == Message.State.ACCEPTED


def test_a_number_that_is_nobodys_is_never_written_to_again(client):
    message = sms_message()

    report(client, message, "undelivered", 30005)

    point = ContactPoint.objects.get(pk=message.point_id)
    assert (point.is_blocked, point.reason) == (True, "BOUNCED")
    assert not ConsentRecord.objects.exists()
    assert applied(message).bounced_at


def test_a_message_blocked_by_the_recipient_is_a_no(client):
    message = sms_message()

    report(client, message, "undelivered", 30004)

    record = ConsentRecord.objects.get()
    assert (record.state, record.source, record.channel) == ("WITHDRAWN", "twilio:30004", "sms")
    assert record.evidence["said"] == "undelivered 30004"


@pytest.mark.parametrize("code", [30003, 30007, 30008, 30036])
def test_a_failure_that_may_pass_leaves_the_number_alone(client, code):
    message = sms_message()

    report(client, message, "undelivered", code)

    assert not ContactPoint.objects.get(pk=message.point_id).is_blocked
    assert applied(message).bounced_at


def test_a_forged_status_changes_nothing(client):
    message = sms_message()

    response = report(client, message, "undelivered", 30005, token="forged")

    assert (response.status_code, response.content) == (401, b"")
    assert not ProviderEvent.objects.exists()


def test_the_signature_belongs_to_the_message_in_the_address(client):
    one, other = sms_message(), sms_message("+40712345678")
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    signed = post(client, f"/webhooks/twilio/status/{one.uuid}", fields)
    assert signed.status_code == 200
    header = signed.wsgi_request.headers["X-Twilio-Signature"]
    assert post(client, f"/webhooks/twilio/status/{other.uuid}", fields, signature=header).status_code == 401


def test_a_status_of_a_message_we_do_not_know_is_taken(client):
    fields = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30005", "To": PHONE}
    assert post(client, f"/webhooks/twilio/status/{uuid4()}", fields).status_code == 200
    assert ContactPoint.objects.get(channel="sms").reason == "BOUNCED"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("not-a-uuid", {"MessageSid": "SM1", "MessageStatus": "sent"}),
        ("5f0c5f4e-6a52-4f0b-8f0e-0a4b8ad1c001", {"MessageSid": "SM1"}),
    ],
)
def test_signed_nonsense_is_refused(client, path, fields):
    assert post(client, f"/webhooks/twilio/status/{path}", fields).status_code == 400


@override_settings(TWILIO_AUTH_TOKEN="")
def test_without_a_token_the_sender_is_asked_to_come_back(client):
    response = report(client, sms_message(), "sent")
    assert response.status_code == 503
    assert response["Retry-After"]


def test_a_database_that_is_away_asks_the_sender_to_come_back(client):
    message = sms_message()

    def away(execute, sql, params, many, context):
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        assert report(client, message, "sent").status_code == 503


def test_only_post_is_taken(client):
    assert client.get(f"/webhooks/twilio/status/{uuid4()}").status_code == 405
