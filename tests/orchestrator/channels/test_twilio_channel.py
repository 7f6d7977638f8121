from __future__ import annotations

from base64 import b64encode
from urllib.parse import parse_qs

import pytest

from orchestrator.channels.contract import Busy, Refusal, Unclear
from orchestrator.channels.events import RejectReason
from orchestrator.channels.twilio.channel import TwilioChannel
from tests.contracts import provider
from tests.contracts.channel_cases import message
from tests.contracts.test_twilio_channel import SID, TAKEN, twilio_channel

PHONE = "+972501234567"


@pytest.fixture
def server():
    with provider.running(provider.Reply.of_json(TAKEN, 201)) as running:
        yield running


def refusal(code, status=400, words="No."):
    return provider.Reply.of_json({"code": code, "message": words, "status": status, "more_info": "x"}, status)


def form_of(request):
    return parse_qs(request.body.decode(), keep_blank_values=True)


def sent_to(server, answer, error, **changes):
    server.script.append(answer)
    with pytest.raises(error) as caught:
        twilio_channel(server.url).send(message(address=PHONE, **changes))
    return caught.value


def test_the_request_is_a_form_with_our_id_in_the_callback_and_nothing_else_of_ours(server):
    one = message(address=PHONE, text="שדרגו עכשיו 🙂")
    twilio_channel(server.url).send(one)

    [request] = server.requests
    assert (request.method, request.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Authorization"] == "Basic " + b64encode(f"{SID}:token".encode()).decode()
    assert form_of(request) == {
        "To": [PHONE],
        "From": ["+15005550006"],
        "Body": ["שדרגו עכשיו 🙂"],
        "StatusCallback": [f"https://crescendo.example/webhooks/twilio/status/{one.message_id}"],
        "ValidityPeriod": ["14400"],
    }


@pytest.mark.parametrize(("wanted", "asked"), [(None, 14400), (60, 60), (20_000, 14400), (0, 5)])
def test_twilio_may_hold_a_text_as_long_as_it_may_ring_and_four_hours_at_most(server, wanted, asked):
    twilio_channel(server.url).send(message(address=PHONE, valid_s=wanted))
    assert form_of(server.requests[0])["ValidityPeriod"] == [str(asked)]


def test_a_messaging_service_chooses_the_sender(server):
    twilio_channel(server.url, sender="", messaging_service_sid="MG" + "a" * 32).send(message(address=PHONE))
    form = form_of(server.requests[0])
    assert form["MessagingServiceSid"] == ["MG" + "a" * 32]
    assert "From" not in form


def test_the_receipt_is_twilios_sid(server):
    assert twilio_channel(server.url).send(message(address=PHONE)).provider_id == TAKEN["sid"]


def test_the_base_address_may_end_in_a_path(server):
    twilio_channel(f"{server.url}/twilio/").send(message(address=PHONE))
    assert server.requests[0].path == f"/twilio/2010-04-01/Accounts/{SID}/Messages.json"


def test_messages_share_one_connection(server):
    one = twilio_channel(server.url)
    for _ in range(5):
        one.send(message(address=PHONE))
    assert {request.connection for request in server.requests} == {1}


def test_a_connection_closed_while_idle_is_replaced_before_sending(server):
    one = twilio_channel(server.url)
    server.script.append(provider.Reply.of_json(TAKEN, 201))
    one.send(message(address=PHONE))
    server.script.append(provider.Reply(201, body=b'{"sid": "SM2"}', then_close=True))
    one.send(message(address=PHONE))
    server.settled.wait(2)
    assert one.send(message(address=PHONE)).provider_id == TAKEN["sid"]
    assert [request.connection for request in server.requests] == [1, 1, 2]


@pytest.mark.parametrize("code", [21211, 21214, 21217, 21614, 21635])
def test_a_number_that_takes_no_messages_is_bad_for_good(server, code):
    error = sent_to(server, refusal(code), Refusal)
    assert (error.code, error.reject) == (str(code), RejectReason.BAD_ADDRESS)


def test_an_unsubscribed_recipient_has_opted_out(server):
    error = sent_to(server, refusal(21610, words="Attempt to send to unsubscribed recipient"), Refusal)
    assert (error.code, error.reject) == ("21610", RejectReason.OPTED_OUT)


@pytest.mark.parametrize("code", [21408, 21608, 21612, 21617, 21602, 29999])
def test_what_is_not_the_contacts_fault_marks_nobody(server, code):
    error = sent_to(server, refusal(code), Refusal)
    assert (error.code, error.reject) == (str(code), None)


@pytest.mark.parametrize(
    ("code", "status", "hint"),
    [
        (20003, 401, "TWILIO_AUTH_TOKEN"),
        (20404, 404, "TWILIO_ACCOUNT_SID"),
        (21606, 400, "TWILIO_FROM"),
        (21659, 400, "TWILIO_FROM"),
        (21703, 400, "messaging service"),
    ],
)
def test_a_fault_of_our_account_makes_messages_wait(server, code, status, hint):
    error = sent_to(server, refusal(code, status), Busy)
    assert (error.code, error.retry_after_s) == (str(code), 60)
    assert hint in error.detail


def test_a_full_queue_is_left_alone_for_a_while(server):
    assert sent_to(server, refusal(21611), Busy).retry_after_s == 600


def test_the_daily_limit_is_waited_out(server):
    assert sent_to(server, refusal(63038, 429), Busy).retry_after_s == 3600


@pytest.mark.parametrize(("said", "wait"), [("7", 7), ("0", 0), ("Wed, 21 Oct 2026", None), ("99999", None)])
def test_a_429_says_in_its_header_how_long_to_wait(server, said, wait):
    body = {"code": 20429, "message": "Too Many Requests", "status": 429}
    reply = provider.Reply.of_json(body, 429)
    slow = provider.Reply(reply.status, {**reply.headers, "Retry-After": said}, reply.body)

    assert sent_to(server, slow, Busy).retry_after_s == wait


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_takes_nothing_and_messages_wait(server, status):
    error = sent_to(server, provider.Reply(status, {"Location": "https://portal.example/"}, b"<p>Moved"), Busy)
    assert "TWILIO_API_BASE" in error.detail
    assert (error.code, error.retry_after_s) == (str(status), 60.0)


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_an_answer_of_a_broken_server_is_unclear(server, status):
    assert sent_to(server, provider.Reply(status, body=b"<html>oops"), Unclear).code == str(status)


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"{}", b'{"sid": null}'])
def test_a_yes_that_names_no_message_is_unclear(server, body):
    assert sent_to(server, provider.Reply(201, body=body), Unclear).code == "unreadable"


def test_a_message_that_failed_at_once_is_refused(server):
    failed = TAKEN | {"status": "failed", "error_code": 21610, "error_message": "unsubscribed"}
    assert sent_to(server, provider.Reply.of_json(failed, 201), Refusal).reject is RejectReason.OPTED_OUT


def test_a_slow_answer_does_not_hold_a_worker(server):
    sent_to(server, provider.DRIBBLE, Unclear)


def test_a_newer_kind_of_error_body_is_understood(server):
    problem = {"type": "about:blank", "title": "Too many requests", "status": 429, "code": 20429}
    assert sent_to(server, provider.Reply.of_json(problem, 429), Busy).code == "20429"


def test_the_number_is_in_no_error_text(server):
    error = sent_to(server, refusal(29999, words=f"The number {PHONE} is odd."), Refusal)
    assert "501234567" not in error.detail
    assert "[phone] is odd" in error.detail


def test_without_both_keys_there_is_no_channel(settings):
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = SID, ""
    assert TwilioChannel.from_settings("sms") is None


def test_it_is_built_from_the_settings(settings, server):
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = SID, "token"
    settings.TWILIO_FROM, settings.TWILIO_MESSAGING_SERVICE_SID = "Acme", ""
    settings.TWILIO_API_BASE = settings.TWILIO_MESSAGING_API_BASE = settings.TWILIO_LOOKUPS_API_BASE = server.url
    settings.PUBLIC_BASE_URL = "https://acme.example"
    channel = TwilioChannel.from_settings("sms")
    assert channel is not None
    channel.send(message(address=PHONE))
    form = form_of(server.requests[0])
    assert form["From"] == ["Acme"]
    assert form["StatusCallback"][0].startswith("https://acme.example/webhooks/twilio/status/")
