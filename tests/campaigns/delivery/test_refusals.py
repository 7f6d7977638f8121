from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from django.test import override_settings

from campaigns.consent import opt_out
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.delivery import dispatch
from campaigns.delivery.models import Message
from orchestrator.channels.twilio.channel import STATUS_PATH
from tests.campaigns.delivery.twilio import PHONE, SERVICE, TOKEN, post
from tests.contracts import provider
from tests.contracts.test_twilio_channel import SID, TAKEN
from tests.factories.delivery import NOW, ReadyMessageFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = {"en": {"text": "Hello {{ contact.first_name }}: {{ links.unsubscribe }}"}}


@pytest.fixture
def twilio():
    with provider.running(provider.Reply.of_json(TAKEN, 201)) as server:
        bases = dict.fromkeys(
            ("TWILIO_API_BASE", "TWILIO_MESSAGING_API_BASE", "TWILIO_LOOKUPS_API_BASE"), f"{server.url}/twilio"
        )
        with override_settings(
            TWILIO_ACCOUNT_SID=SID, TWILIO_AUTH_TOKEN=TOKEN, TWILIO_MESSAGING_SERVICE_SID=SERVICE, **bases
        ):
            yield server


def ready(phone=PHONE):
    version = TemplateVersionFactory(template__channel="sms", content=TEXT)
    return ReadyMessageFactory(channel="sms", contact__phone=phone, template_version=version)


def refuse(code):
    body = {"code": code, "message": "No.", "more_info": "", "status": 400}
    return provider.Reply.of_json(body, 400)


def send():
    return dispatch.dispatch_due(channel="sms", now=NOW, worker="test", seconds=5)


def test_a_text_message_goes_out_with_its_own_id_in_the_callback(twilio):
    message = ready()

    assert send() == {"ACCEPTED": 1}

    [request] = twilio.requests
    assert f"{STATUS_PATH}{message.uuid}".replace("/", "%2F") in request.body.decode()
    message.refresh_from_db()
    assert message.provider_id == TAKEN["sid"]


def test_a_recipient_who_stopped_at_twilio_has_opted_out_here(twilio):
    twilio.default = refuse(21610)
    message = ready()

    assert send() == {"FAILED": 1}

    point = ContactPoint.objects.get(pk=message.point_id)
    record = ConsentRecord.objects.get()
    assert (point.is_blocked, point.reason) == (True, "UNSUBSCRIBED")
    assert (record.source, record.evidence["message"]) == ("twilio:21610", str(message.uuid))
    assert message.attempts.get().code == "21610"


def test_a_number_that_takes_no_messages_is_blocked_without_a_record(twilio):
    twilio.default = refuse(21614)
    message = ready()

    send()

    assert ContactPoint.objects.get(pk=message.point_id).reason == "BOUNCED"
    assert not ConsentRecord.objects.exists()


def test_a_country_that_is_not_enabled_blocks_nobody(twilio):
    twilio.default = refuse(21408)
    message = ready()

    assert send() == {"FAILED": 1}

    assert not ContactPoint.objects.get(pk=message.point_id).is_blocked
    assert "geographic permissions" in message.attempts.get().detail


def test_a_wrong_token_makes_messages_wait(twilio):
    twilio.default = provider.Reply.of_json({"code": 20003, "message": "Authenticate", "status": 401}, 401)
    message = ready()

    assert send() == {"READY": 1}

    message.refresh_from_db()
    assert message.state == Message.State.READY


def test_a_stop_in_the_meantime_stops_the_next_message_and_start_lets_it_go_again(twilio, client):
    first = ready()
    send()
    opt_out.opt_in(point_id=first.point_id, topic="offers", source="form", at=NOW, now=NOW)
    written = {"MessageSid": "SM1", "From": PHONE, "To": "+1500", "Body": "הסר"}
    ready_again = {"channel": "sms", "contact": first.contact, "template_version": first.template_version}

    assert post(client, "/webhooks/twilio/inbound", written).status_code == 200
    stopped = ReadyMessageFactory(**ready_again)
    assert send() == {"SKIPPED": 1}

    assert post(client, "/webhooks/twilio/inbound", written | {"MessageSid": "SM2", "Body": "START"}).status_code == 200
    let_go = ReadyMessageFactory(**ready_again)
    with override_settings(FREQUENCY_CAPS=()):
        assert send() == {"ACCEPTED": 1}

    stopped.refresh_from_db()
    let_go.refresh_from_db()
    assert (stopped.reason, let_go.state) == (Message.Reason.OPTED_OUT, Message.State.ACCEPTED)


def test_marketing_without_a_way_out_gets_one_and_a_receipt_does_not(twilio):
    plain = {"en": {"text": "Hello {{ contact.first_name }}"}}
    version = TemplateVersionFactory(template__channel="sms", content=plain)
    for purpose, phone in (("MARKETING", PHONE), ("TRANSACTIONAL", "+40712345678")):
        ReadyMessageFactory(channel="sms", contact__phone=phone, template_version=version, purpose=purpose)

    send()

    bodies = {parse_qs(request.body.decode())["Body"][0] for request in twilio.requests}
    assert bodies == {"Hello Noa\nReply STOP to opt out", "Hello Noa"}


def test_after_a_refusal_the_next_message_to_the_number_is_skipped(twilio):
    twilio.default = refuse(21610)
    first = ready()
    send()
    again = ReadyMessageFactory(channel="sms", contact=first.contact, template_version=first.template_version)

    assert send() == {"SKIPPED": 1}

    again.refresh_from_db()
    assert again.reason == Message.Reason.OPTED_OUT
    assert len(twilio.requests) == 1
