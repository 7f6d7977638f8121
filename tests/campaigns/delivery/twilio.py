"""Twilio as the product's webhooks see it, and text messages that went out to somebody."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from twilio.request_validator import RequestValidator

from campaigns.delivery.models import Message
from tests.factories.delivery import NOW, MessageFactory

TOKEN = "token"
PHONE = "+972501234567"
SERVICE = "MG" + "a" * 32


def sms_message(phone: str = PHONE, *, after: timedelta = timedelta(0), **changes) -> Message:
    """One that Twilio took at NOW, to a contact who said yes; `after` makes it a later one."""
    values = {"channel": "sms", "contact__phone": phone, "state": Message.State.ACCEPTED, "accepted_at": NOW + after}
    return MessageFactory(**values | changes)


def post(client, path: str, fields: dict[str, str], *, signature: str | None = None, token: str = TOKEN):
    signed = RequestValidator(token).compute_signature(settings.PUBLIC_BASE_URL + path, fields)
    return client.post(
        path,
        data=urlencode(fields),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signed if signature is None else signature},
    )
