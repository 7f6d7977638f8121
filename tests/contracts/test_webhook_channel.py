from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import standardwebhooks

from orchestrator.channels.contract import Busy, Channel, OutboundMessage, Refusal, SendReceipt, Unclear
from orchestrator.channels.webhook.channel import WebhookChannel
from tests.contracts import provider
from tests.contracts.channel_cases import ACCEPTS, REFUSES, SLOWS_DOWN, UNREACHABLE, ChannelCases, message

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
# What an error may not tell; not written out in a line that a traceback could show.
PATH = "/hooks/dana.levi?key=s3cret"
ECHO = {"error": "dana.levi@customer.example is not known"}
ANSWERS: dict[str, provider.Answer] = {
    ACCEPTS: provider.Reply(204),
    REFUSES: provider.Reply.of_json(ECHO, 410),
    SLOWS_DOWN: provider.Reply.of_json(ECHO, 429, {"Retry-After": "7"}),
    "500": provider.Reply.of_json(ECHO, 500),
    "503": provider.Reply.of_json(ECHO, 503),
    "hang": provider.HANG,
    "reset": provider.RESET,
    "close": provider.CLOSE,
    "garbage": provider.GARBAGE,
}


class Posting:
    """The adapter, with an address at the fake in place of whatever the message has. The path holds a secret."""

    kind, is_live, in_flight = WebhookChannel.kind, WebhookChannel.is_live, WebhookChannel.in_flight

    def __init__(self, base: str, **changes) -> None:
        self._base = base
        self._channel = webhook_channel(**changes)

    def send(self, message: OutboundMessage) -> SendReceipt:
        return self._channel.send(replace(message, address=self._base + PATH))


def webhook_channel(**changes) -> WebhookChannel:
    return WebhookChannel(**{"secrets": [SECRET], "allow_private": True, "timeout_s": 0.4, **changes})


class TestWebhookChannel(ChannelCases):
    @contextmanager
    def channel_in(self, situation):
        if situation == UNREACHABLE:
            yield Posting(f"http://127.0.0.1:{provider.closed_port()}")
            return
        with provider.running(ANSWERS[situation]) as self.provider:
            yield Posting(self.provider.url)

    def arrived(self, channel: Channel) -> list[UUID]:
        return [UUID(request.headers["Webhook-Id"]) for request in self.provider.requests]


def test_a_receiver_can_verify_it_with_the_public_library_and_reads_the_body_as_written():
    sent = message(text='{"text":"שלום"}')
    with provider.running(provider.Reply(200)) as fake:
        Posting(fake.url, secrets=[OTHER_SECRET, SECRET]).send(sent)
        request = fake.requests[0]
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert standardwebhooks.Webhook(SECRET).verify(request.body, headers) == {"text": "שלום"}
    assert standardwebhooks.Webhook(OTHER_SECRET).verify(request.body, headers) == {"text": "שלום"}
    assert (request.method, request.path) == ("POST", PATH)
    assert headers["webhook-id"] == str(sent.message_id)
    assert headers["content-type"] == "application/json"
    signed_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert abs(signed_at - datetime.now(UTC)) < timedelta(seconds=60)


def test_a_repeat_has_the_same_id():
    sent = message()
    with provider.running(provider.Reply(200)) as fake:
        for attempt in (1, 2):
            Posting(fake.url).send(replace(sent, attempt=attempt))
        assert {request.headers["Webhook-Id"] for request in fake.requests} == {str(sent.message_id)}


@pytest.mark.parametrize("status", [409, 425, 429])
def test_later_is_busy(status):
    with provider.running(provider.Reply(status)) as fake, pytest.raises(Busy):
        Posting(fake.url).send(message())


@pytest.mark.parametrize(("wish", "pause"), [("7", 7.0), ("999999", 3600.0), ("soon", None)])
def test_a_wished_pause_is_kept_within_an_hour(wish, pause):
    answer = provider.Reply(429, {"Retry-After": wish})
    with provider.running(answer) as fake, pytest.raises(Busy) as busy:
        Posting(fake.url).send(message())
    assert busy.value.retry_after_s == pause


@pytest.mark.parametrize("status", [410, 413])
def test_a_receiver_that_is_gone_or_finds_it_too_large_is_final(status):
    with provider.running(provider.Reply(status)) as fake, pytest.raises(Refusal) as refused:
        Posting(fake.url).send(message())
    assert refused.value.code == str(status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422])
def test_any_other_no_may_be_of_a_receiver_that_is_being_mended(status):
    with provider.running(provider.Reply(status)) as fake, pytest.raises(Busy) as busy:
        Posting(fake.url).send(message())
    assert busy.value.code == str(status)


@pytest.mark.parametrize("status", [408, 500, 502, 504])
def test_what_may_have_been_taken_by_a_gateway_is_unclear(status):
    with provider.running(provider.Reply(status)) as fake, pytest.raises(Unclear):
        Posting(fake.url).send(message())


def test_a_redirect_is_not_followed():
    with provider.running(provider.Reply(200)) as inside:
        moved = provider.Reply(307, {"Location": inside.url})
        with provider.running(moved) as fake, pytest.raises(Busy):
            Posting(fake.url).send(message())
        assert inside.requests == []


def test_a_dribbling_answer_cannot_hold_a_worker():
    with provider.running(provider.DRIBBLE) as fake, pytest.raises(Unclear):
        Posting(fake.url).send(message())


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:{port}/",
        "https://127.1:{port}/",
        "https://0x7f.1:{port}/",
        "https://2130706433:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://[::1]:{port}/",
        "https://localhost:{port}/",
        "https://localhost.:{port}/",
        "https://0.0.0.0:{port}/",
        "https://169.254.169.254:{port}/latest/meta-data/",
        "https://user:word@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "https:///x",
        "",
    ],
)
def test_nothing_inside_the_network_is_connected_to(address):
    with provider.running(provider.Reply(200)) as fake:
        port = fake.server_address[1]
        with pytest.raises(Refusal) as refused:
            webhook_channel(allow_private=False).send(message(address=address.format(port=port)))
        assert refused.value.code == "forbidden_address"
        assert fake.connections == 0


def test_a_name_that_changes_its_mind_is_looked_up_once(monkeypatch):
    """DNS rebinding: a first answer that would pass, a second one that leads inside."""
    asked = []

    def resolve(host, port, **_kwargs):
        asked.append(host)
        inside = "127.0.0.1" if len(asked) > 1 else "192.0.2.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (inside, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with provider.running(provider.Reply(200)) as fake:
        port = fake.server_address[1]
        with pytest.raises((Busy, Refusal)):
            webhook_channel(allow_private=False).send(message(address=f"https://hooks.example:{port}/"))
        assert (asked, fake.connections) == (["hooks.example"], 0)


def test_a_name_with_one_address_inside_is_refused(monkeypatch):
    def resolve(host, port, **_kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("93.184.216.34", "10.0.0.7")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(Refusal, match=r"hooks\.example leads to an address inside"):
        webhook_channel(allow_private=False).send(message(address="https://hooks.example/"))


def test_without_a_secret_it_goes_to_the_outbox(settings):
    settings.WEBHOOK_SIGNING_SECRET = ""
    assert WebhookChannel.from_settings("webhook") is None
