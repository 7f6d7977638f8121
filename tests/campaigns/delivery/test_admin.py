from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.consent import opt_out
from campaigns.delivery.models import ProviderEvent
from tests.factories.delivery import NOW, MessageFactory

pytestmark = pytest.mark.django_db

PAGES = [
    "consent_consenttopic",
    "consent_contactpoint",
    "consent_consentrecord",
    "delivery_message",
    "delivery_sendgate",
    "delivery_template",
    "delivery_providerevent",
    "delivery_inappmessage",
    "delivery_attentionbudget",
]


@pytest.fixture
def message():
    message = MessageFactory()
    opt_out.opt_out(point_id=message.point_id, source="test", evidence={"ip": "x"}, at=NOW, now=NOW)
    message.links.create(kind="offer", target="http://127.0.0.1:8000/o/secret-token")
    ProviderEvent.objects.create(received_at=NOW, provider="sendgrid", key=b"k" * 16, type="DELIVERED", at=NOW)
    return message


@pytest.mark.parametrize("page", PAGES)
def test_the_ledger_can_be_browsed_and_not_changed(admin_client, message, page):
    assert admin_client.get(reverse(f"admin:{page}_changelist")).status_code == 200
    assert admin_client.get(reverse(f"admin:{page}_add")).status_code == 403


def test_a_message_shows_its_attempts_but_no_link_that_acts(admin_client, message):
    text = admin_client.get(reverse("admin:delivery_message_change", args=[message.pk])).content.decode()

    assert str(message.uuid) in text
    assert "secret-token" not in text


def test_the_evidence_of_a_no_is_visible(admin_client, message):
    text = admin_client.get(reverse("admin:consent_contactpoint_change", args=[message.point_id])).content.decode()

    assert "UNSUBSCRIBED" in text
