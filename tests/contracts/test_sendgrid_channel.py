from __future__ import annotations

from contextlib import contextmanager
from uuid import UUID

from orchestrator.channels.sendgrid.channel import SendGridChannel
from tests.contracts import provider
from tests.contracts.channel_cases import ACCEPTS, REFUSES, SLOWS_DOWN, UNREACHABLE, BatchChannelCases

ECHO = {"errors": [{"message": "The address dana.levi@customer.example is wrong.", "field": "to.email", "help": None}]}
ANSWERS: dict[str, provider.Answer] = {
    ACCEPTS: provider.Reply(202, {"X-Message-Id": "14c5d75ce93.dfd.64b469"}),
    REFUSES: provider.Reply.of_json(ECHO, 400),
    SLOWS_DOWN: provider.Reply.of_json({"errors": [{"field": None, "message": "too many requests"}]}, 429),
    "500": provider.Reply.of_json(ECHO, 500),
    "503": provider.Reply.of_json(ECHO, 503),
    "hang": provider.HANG,
    "reset": provider.RESET,
    "close": provider.CLOSE,
    "garbage": provider.GARBAGE,
}


class TestSendGridChannel(BatchChannelCases):
    @contextmanager
    def channel_in(self, situation):
        if situation == UNREACHABLE:
            yield sendgrid_channel(f"http://127.0.0.1:{provider.closed_port()}")
            return
        with provider.running(ANSWERS[situation]) as self.provider:
            yield sendgrid_channel(self.provider.url)

    def arrived(self, channel):
        return [
            UUID(row["custom_args"]["crescendo_message"])
            for request in self.provider.requests
            for row in request.json["personalizations"]
        ]


def sendgrid_channel(api_base: str) -> SendGridChannel:
    return SendGridChannel(api_key="SG.test", api_base=api_base, from_email="hello@acme.example", timeout_s=0.4)
