from __future__ import annotations

from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from orchestrator.channels.twilio.channel import TwilioChannel
from tests.contracts import provider
from tests.contracts.channel_cases import ACCEPTS, REFUSES, SLOWS_DOWN, UNREACHABLE, ChannelCases

SID = "AC" + "0" * 32
TAKEN = {"sid": "SM" + "1" * 32, "status": "accepted", "error_code": None, "error_message": None}
ECHO = {"code": 21211, "message": "The 'To' number dana.levi@customer.example is not valid.", "status": 400}
ANSWERS: dict[str, provider.Answer] = {
    ACCEPTS: provider.Reply.of_json(TAKEN, 201),
    REFUSES: provider.Reply.of_json(ECHO, 400),
    SLOWS_DOWN: provider.Reply.of_json({"code": 20429, "message": "Too Many Requests", "status": 429}, 429),
    "500": provider.Reply.of_json(ECHO | {"code": 20500, "status": 500}, 500),
    "503": provider.Reply.of_json(ECHO | {"code": 20503, "status": 503}, 503),
    "hang": provider.HANG,
    "reset": provider.RESET,
    "close": provider.CLOSE,
    "garbage": provider.GARBAGE,
}


class TestTwilioChannel(ChannelCases):
    @contextmanager
    def channel_in(self, situation):
        if situation == UNREACHABLE:
            yield twilio_channel(f"http://127.0.0.1:{provider.closed_port()}")
            return
        with provider.running(ANSWERS[situation]) as self.provider:
            yield twilio_channel(self.provider.url)

    def arrived(self, channel):
        forms = (parse_qs(request.body.decode()) for request in self.provider.requests)
        return [UUID(form["StatusCallback"][0].rpartition("/")[2]) for form in forms]


def twilio_channel(api_base: str, **changes) -> TwilioChannel:
    values: dict[str, Any] = {
        "account_sid": SID,
        "auth_token": "token",
        "bases": dict.fromkeys(("api", "messaging", "lookups"), api_base),
        "public_base_url": "https://crescendo.example",
        "sender": "+15005550006",
        "timeout_s": 0.4,
    }
    return TwilioChannel(**values | changes)
