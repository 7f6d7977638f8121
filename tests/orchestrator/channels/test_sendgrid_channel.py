from __future__ import annotations

import os
import time
from uuid import UUID

import pytest
import time_machine

from orchestrator.channels.contract import Busy, Refusal, Unclear
from orchestrator.channels.sendgrid.channel import SendGridChannel
from tests.contracts import provider
from tests.contracts.channel_cases import message

OK = provider.Reply(202, {"X-Message-Id": "mid-1"})
MESSAGE_ID = UUID("7f3b0a52-6f1d-4d0c-9d6b-9f7f9b0f9a11")


@pytest.fixture
def sendgrid():
    with provider.running(OK) as server:
        yield server


def channel(server: provider.Provider, *, path: str = "", timeout_s: float = 2) -> SendGridChannel:
    return SendGridChannel(
        api_key="SG.key",
        api_base=server.url + path,
        from_email="hi@acme.example",
        from_name="Acme",
        timeout_s=timeout_s,
    )


def test_the_request_is_exactly_what_the_contract_says(sendgrid):
    sent = message(message_id=MESSAGE_ID, attempt=2, headers={"List-Unsubscribe": "<https://crescendo.example/u/t>"})

    receipt = channel(sendgrid, path="/sendgrid").send(sent)

    assert receipt.provider_id == "mid-1"
    [request] = sendgrid.requests
    assert (request.method, request.path) == ("POST", "/sendgrid/v3/mail/send")
    assert request.headers["Authorization"] == "Bearer SG.key"
    assert request.headers["User-Agent"].startswith("sendgrid/")
    assert request.json == {
        "personalizations": [
            {
                "to": [{"email": "dana.levi@customer.example"}],
                "custom_args": {"crescendo_message": str(MESSAGE_ID), "crescendo_attempt": "2"},
                "headers": {"List-Unsubscribe": "<https://crescendo.example/u/t>"},
            }
        ],
        "from": {"email": "hi@acme.example", "name": "Acme"},
        "subject": sent.subject,
        "content": [{"type": "text/plain", "value": sent.text}, {"type": "text/html", "value": sent.html}],
        "categories": ["marketing", "seats-80"],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }


@pytest.mark.parametrize(
    "name", ["Acme\r\nBcc: evil@example.com", "Acme\nBcc: evil@example.com", "Acme\u2028Bcc: evil"]
)
def test_a_senders_name_is_one_line(sendgrid, name):
    sender = SendGridChannel(
        api_key="SG.key", api_base=f"{sendgrid.url}/sendgrid", from_email="hi@acme.example", from_name=name
    )
    sender.send(message())
    told = sendgrid.requests[0].json["from"]
    assert told["email"] == "hi@acme.example"
    assert told["name"].startswith("Acme Bcc: evil")
    assert not set(told["name"]) & set("\r\n\u2028")


def test_opens_are_looked_for_where_the_message_says_so(sendgrid):
    channel(sendgrid).send(message(track_opens=True))
    assert sendgrid.requests[0].json["tracking_settings"]["open_tracking"] == {"enable": True}
    assert sendgrid.requests[0].json["tracking_settings"]["click_tracking"]["enable"] is False


def test_a_test_send_without_a_campaign_has_one_category(sendgrid):
    channel(sendgrid).send(message(category="test", campaign="", html=""))
    assert sendgrid.requests[0].json["categories"] == ["test"]
    assert [part["type"] for part in sendgrid.requests[0].json["content"]] == ["text/plain"]


def test_sends_of_one_thread_share_one_connection(sendgrid):
    one = channel(sendgrid)
    for _ in range(5):
        one.send(message())
    assert {request.connection for request in sendgrid.requests} == {1}


def test_a_connection_closed_while_idle_is_replaced_before_sending(sendgrid):
    one = channel(sendgrid)
    sendgrid.script.append(provider.Reply(202, then_close=True))
    one.send(message())
    sendgrid.settled.wait(2)

    one.send(message())

    assert [request.connection for request in sendgrid.requests] == [1, 2]


def test_a_reset_on_a_reused_connection_is_unclear_and_never_repeated(sendgrid):
    one = channel(sendgrid)
    one.send(message())
    sendgrid.script.append(provider.RESET)
    with pytest.raises(Unclear):
        one.send(message())
    assert len(sendgrid.requests) == 2


def test_the_channel_works_again_after_an_unclear_answer(sendgrid):
    one = channel(sendgrid)
    sendgrid.script.append(provider.GARBAGE)
    with pytest.raises(Unclear):
        one.send(message())
    assert one.send(message()).provider_id == "mid-1"


def test_an_answer_that_dribbles_ends_at_the_time_out(sendgrid):
    sendgrid.script.append(provider.DRIBBLE)
    started = time.monotonic()
    with pytest.raises(Unclear):
        channel(sendgrid, timeout_s=0.4).send(message())
    assert time.monotonic() - started < 2


def test_a_forked_child_does_not_use_its_parents_connection(sendgrid, monkeypatch):
    one = channel(sendgrid)
    one.send(message())
    monkeypatch.setattr(os, "getpid", lambda: -1)  # what a work-horse sees after the fork
    one.send(message())
    assert [request.connection for request in sendgrid.requests] == [1, 2]


def test_busy_says_how_long(sendgrid):
    sendgrid.default = provider.Reply(429, {"X-RateLimit-Reset": "1770000012"})
    with time_machine.travel(1770000000, tick=False), pytest.raises(Busy) as caught:
        channel(sendgrid).send(message())
    assert caught.value.retry_after_s == 12


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Reset": "soon"}, {"X-RateLimit-Reset": "30"}])
def test_busy_without_a_usable_time_says_none(sendgrid, headers):
    sendgrid.default = provider.Reply(429, headers)
    with pytest.raises(Busy) as caught:
        channel(sendgrid).send(message())
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "SENDGRID_API_KEY"), (403, "SENDGRID_FROM_EMAIL"), (404, "SENDGRID_API_BASE")]
)
def test_a_fault_of_our_account_costs_no_message_and_says_what_to_check(sendgrid, status, hint):
    sendgrid.default = provider.Reply(status)
    with pytest.raises(Busy) as caught:
        channel(sendgrid).send(message())
    assert hint in caught.value.detail
    assert (caught.value.code, caught.value.retry_after_s) == (str(status), 60.0)


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_takes_nothing_and_messages_wait(sendgrid, status):
    sendgrid.default = provider.Reply(status, {"Location": "https://portal.example/"}, b"<p>Moved")
    with pytest.raises(Busy, match="SENDGRID_API_BASE") as caught:
        channel(sendgrid).send(message())
    assert (caught.value.code, caught.value.retry_after_s) == (str(status), 60.0)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_only_202_is_a_yes(sendgrid, status):
    """A network's page in between answers 200 to everything."""
    sendgrid.default = provider.Reply(status, {"Content-Type": "text/html"}, b"" if status == 204 else b"<p>Sign in")
    with pytest.raises(Unclear):
        channel(sendgrid).send(message())


def test_a_message_that_is_too_large_is_refused_for_good(sendgrid):
    sendgrid.default = provider.Reply(413)
    with pytest.raises(Refusal, match="too large"):
        channel(sendgrid).send(message())


def test_a_refusal_quotes_the_provider_without_addresses(sendgrid):
    error = {"errors": [{"field": "subject", "message": "x@y.example may not\nbe empty."}]}
    sendgrid.default = provider.Reply.of_json(error, 400)
    with pytest.raises(Refusal) as caught:
        channel(sendgrid).send(message())
    assert caught.value.detail == ("SendGrid refused the message (HTTP 400): subject: [address] may not be empty.")


def test_a_name_that_does_not_resolve_is_busy():
    one = SendGridChannel(api_key="k", api_base="http://mail.invalid", from_email="a@acme.example", timeout_s=1)
    with pytest.raises(Busy):
        one.send(message())


def test_a_messages_own_words_do_not_tell_who_it_is_for():
    assert "dana.levi" not in repr(message())
