from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import OperationalError, connection
from django.test import override_settings

from campaigns.consent.models import ContactPoint
from campaigns.delivery.models import ProviderEvent
from tests.factories.delivery import MessageFactory

pytestmark = pytest.mark.django_db

PATH = "/webhooks/sendgrid/events"
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()


@pytest.fixture(autouse=True)
def _key():
    with override_settings(SENDGRID_WEBHOOK_PUBLIC_KEY=PUBLIC):
        yield


def post(client, body, *, timestamp="1764000000", signature=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode() + b"\r\n"
    signed = signature or base64.b64encode(KEY.sign(timestamp.encode() + raw, ec.ECDSA(hashes.SHA256()))).decode()
    return client.post(
        PATH,
        data=raw,
        content_type="application/json",
        headers={
            "X-Twilio-Email-Event-Webhook-Signature": signed,
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        },
    )


def event(message, kind="delivered", **changes):
    return {
        "event": kind,
        "email": message.contact.email,
        "timestamp": 1764000000,
        "crescendo_message": str(message.uuid),
        "crescendo_attempt": "1",
    } | changes


def test_signed_reports_are_stored(client):
    message = MessageFactory()

    response = post(client, [event(message), event(message)])

    assert response.status_code == 200
    assert list(ProviderEvent.objects.values_list("type", "message")) == [("DELIVERED", message.uuid)]


def test_an_unsubscribe_is_in_force_when_it_is_answered(client):
    message = MessageFactory()

    post(client, [event(message, "unsubscribe")])

    assert ContactPoint.objects.get(pk=message.point_id).is_blocked


def test_a_forged_report_changes_nothing_and_is_told_nothing(client):
    message = MessageFactory()

    response = post(client, [event(message, "unsubscribe")], signature=base64.b64encode(b"forged").decode())

    assert (response.status_code, response.content) == (401, b"")
    assert not ProviderEvent.objects.exists()
    assert not ContactPoint.objects.get(pk=message.point_id).is_blocked


def test_signed_nonsense_is_refused(client):
    assert post(client, b"not json").status_code == 400


def test_one_bad_report_does_not_cost_its_neighbours(client):
    message = MessageFactory()

    response = post(client, [{"event": "delivered"}, event(message)])

    assert response.status_code == 200
    assert sorted(ProviderEvent.objects.values_list("type", flat=True)) == ["DELIVERED", "UNKNOWN"]


def test_too_much_is_refused(client):
    assert post(client, b" " * (1024 * 1024 + 1)).status_code == 413


@override_settings(SENDGRID_WEBHOOK_PUBLIC_KEY="")
def test_without_a_key_the_sender_is_asked_to_come_back(client):
    response = post(client, [])

    assert response.status_code == 503
    assert response["Retry-After"]


def test_a_database_that_is_away_asks_the_sender_to_come_back(client):
    message = MessageFactory()

    def away(execute, sql, params, many, context):
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        response = post(client, [event(message)])

    assert response.status_code == 503


def test_only_post_is_taken(client):
    assert client.get(PATH).status_code == 405
