from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from campaigns.intake.models import InboundEvent, Quarantined, Source
from tests.factories.intake import SIGNING_SECRET, WRITE_KEY, SourceFactory

BODY = {
    "type": "usage.limit",
    "timestamp": "2026-02-01T10:00:00Z",
    "data": {"user_id": "c1", "account_id": "a1", "n": 3},
}
CLOUD = {"specversion": "1.0", "id": "e1", "source": "/meters", "type": "seat.added", "data": {"groupId": "a1"}}


@pytest.fixture
def source(db):
    return SourceFactory(slug="crm-sync")


def standard(client, body, secret=SIGNING_SECRET, message_id="msg_1", slug="crm-sync"):
    at = datetime.now(UTC)
    raw = json.dumps(body)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, raw),
    }
    return client.post(f"/webhooks/usage/{slug}", raw, content_type="application/json", headers=headers)


def cloud(
    client, body, content_type="application/cloudevents+json", authorization=f"Bearer {SIGNING_SECRET}", **headers
):
    return client.post(
        "/webhooks/usage/crm-sync",
        json.dumps(body),
        content_type=content_type,
        headers={"Authorization": authorization, **headers},
    )


def test_a_standard_webhook_is_stored_once_by_its_id(client, source):
    assert [standard(client, BODY).status_code for _ in range(2)] == [200, 200]

    event = InboundEvent.objects.get()
    assert (event.message_id, event.kind, event.at) == ("msg_1", "track", datetime(2026, 2, 1, 10, tzinfo=UTC))
    assert event.payload["event"] == "usage.limit"
    assert (event.payload["userId"], event.payload["context"], event.payload["properties"]) == (
        "c1",
        {"groupId": "a1"},
        {"n": 3},
    )


def test_a_tracking_call_may_come_as_a_webhook(client, source):
    standard(client, {"type": "identify", "data": {"userId": "c1", "traits": {"locale": "he"}}})

    event = InboundEvent.objects.get()
    assert (event.kind, event.payload["traits"]) == ("identify", {"locale": "he"})


@pytest.mark.parametrize("slug", ["crm-sync", "nobody"])
def test_a_wrong_signature_or_an_unknown_source_learns_nothing(client, source, slug):
    wrong = "whsec_" + base64.b64encode(b"1" * 24).decode()
    response = standard(client, BODY, secret=wrong, slug=slug)

    assert (response.status_code, response.content) == (401, b"")
    assert not InboundEvent.objects.exists()


def test_a_signed_message_that_names_nobody_is_quarantined(client, source):
    assert standard(client, {"type": "ping", "data": {}}).status_code == 200
    assert "neither a userId" in Quarantined.objects.get().error


@pytest.mark.parametrize("body", [[], {"data": {}}, "text"])
def test_a_signed_message_without_a_type_is_unreadable(client, source, body):
    assert standard(client, body).status_code == 400


def test_cloud_events_come_one_by_one_and_in_batches(client, source):
    single = cloud(client, CLOUD)
    repeated = cloud(client, [CLOUD, {**CLOUD, "id": "e2"}], "application/cloudevents-batch+json")

    assert (single.status_code, repeated.status_code) == (200, 200)
    assert set(InboundEvent.objects.values_list("message_id", flat=True)) == {"/meters#e1", "/meters#e2"}


def test_in_a_batch_one_event_that_is_no_cloud_event_does_not_cost_its_neighbours(client, source):
    batch = [CLOUD, {"id": "no-type"}, 5, {**CLOUD, "id": "e2"}]

    assert cloud(client, batch, "application/cloudevents-batch+json").status_code == 200
    assert set(InboundEvent.objects.values_list("message_id", flat=True)) == {"/meters#e1", "/meters#e2"}
    assert Quarantined.objects.filter(error__contains="A CloudEvent needs").count() == 2


def test_a_binary_cloud_event_has_its_attributes_in_headers(client, source):
    names = {
        "ce-id": "e1",
        "ce-source": "/meters",
        "ce-specversion": "1.0",
        "ce-type": "seat.added",
        "ce-groupid": "a1",
    }
    response = cloud(client, {"n": 1}, "application/json", **names)

    event = InboundEvent.objects.get()
    assert (response.status_code, event.payload["context"], event.payload["properties"]) == (
        200,
        {"groupId": "a1"},
        {"n": 1},
    )


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode(), 200),
        ("Basic " + base64.b64encode(b"wrong:").decode(), 401),
        ("Bearer wrong", 401),
        ("", 401),
    ],
)
def test_cloud_events_prove_themselves_by_a_key_of_the_source(client, source, authorization, status):
    assert cloud(client, CLOUD, authorization=authorization).status_code == status


def stripe(client, body, secret="whsec_stripe", at=None):
    raw = json.dumps(body)
    stamp = str(at or int(time.time()))
    signature = hmac.new(secret.encode(), f"{stamp}.{raw}".encode(), hashlib.sha256).hexdigest()
    return client.post(
        "/webhooks/stripe",
        raw,
        content_type="application/json",
        headers={"Stripe-Signature": f"t={stamp},v1={signature}"},
    )


STRIPE_EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.updated",
    "created": 1_770_000_000,
    "data": {"object": {}},
}


def test_a_stripe_event_is_stored_once(db, client, settings):
    settings.STRIPE_WEBHOOK_SECRET = "whsec_stripe"

    assert [stripe(client, STRIPE_EVENT).status_code for _ in range(2)] == [200, 200]
    event = InboundEvent.objects.get()
    assert (event.kind, event.message_id, event.source.kind) == ("stripe.customer.updated", "evt_1", "stripe")


@pytest.mark.parametrize(
    ("secret", "body", "at", "status"),
    [
        ("wrong", STRIPE_EVENT, None, 401),
        ("whsec_stripe", STRIPE_EVENT, 1_600_000_000, 401),
        ("whsec_stripe", [], None, 400),
        ("whsec_stripe", {"id": "evt_1"}, None, 400),
    ],
)
def test_a_bad_stripe_event_changes_nothing(db, client, settings, secret, body, at, status):
    settings.STRIPE_WEBHOOK_SECRET = "whsec_stripe"
    response = stripe(client, body, secret, at)

    assert (response.status_code, response.content) == (status, b"")
    assert not Source.objects.exists()


def test_without_a_key_of_ours_the_vendor_is_asked_to_come_back(db, client, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""
    response = stripe(client, STRIPE_EVENT)

    assert (response.status_code, response["Retry-After"]) == (503, "30")


def hubspot(client, body, secret="client-secret"):
    raw = json.dumps(body)
    stamp = str(int(time.time() * 1000))
    signed = f"POSThttp://127.0.0.1:8000/webhooks/hubspot{raw}{stamp}".encode()
    signature = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    return client.post(
        "/webhooks/hubspot",
        raw,
        content_type="application/json",
        headers={"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp},
    )


def test_hubspot_changes_are_stored_once_whatever_the_attempt(db, client, settings):
    settings.HUBSPOT_CLIENT_SECRET = "client-secret"
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:8000"
    change = {
        "eventId": 1,
        "subscriptionId": 2,
        "objectId": 701,
        "occurredAt": 1_770_000_000_000,
        "subscriptionType": "company.propertyChange",
    }

    first = hubspot(client, [{**change, "attemptNumber": 0}, {"eventId": 9}])
    second = hubspot(client, [{**change, "attemptNumber": 1}])
    forged = hubspot(client, [change], "wrong")

    assert [answer.status_code for answer in (first, second, forged)] == [200, 200, 401]
    assert InboundEvent.objects.get().kind == "hubspot.company.propertyChange"
    assert Quarantined.objects.count() == 1


@pytest.mark.parametrize("path", ["/v1/track", "/webhooks/usage/x", "/webhooks/stripe", "/webhooks/hubspot"])
def test_the_front_doors_carry_keys_instead_of_cookies(db, path):
    from django.test import Client

    assert Client(enforce_csrf_checks=True).post(path, b"{}", content_type="application/json").status_code in {401, 503}
