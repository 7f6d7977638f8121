"""SendGrid's and Twilio's own lists, as the sandbox keeps them, behind a real HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from orchestrator.sandbox.sendgrid_lists import SuppressionLists
from orchestrator.sandbox.twilio import Twilio
from orchestrator.sandbox.wire import Request
from tests.contracts import provider

GROUP = "Marketing (Crescendo)"
SID, TOKEN, SERVICE = "AC" + "0" * 32, "token", "MG" + "0" * 32


@contextmanager
def sendgrid(settings) -> Iterator[tuple[SuppressionLists, provider.Provider]]:
    lists = SuppressionLists()
    with provider.running(_answer(lists)) as server:
        settings.SENDGRID_API_KEY, settings.SENDGRID_API_BASE = "SG.key", server.url
        yield lists, server


@contextmanager
def twilio(settings) -> Iterator[tuple[Twilio, provider.Provider]]:
    desk = Twilio(auth_token=TOKEN, take=lambda text: None)
    with provider.running(_answer(desk)) as server:
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = SID, TOKEN
        settings.TWILIO_MESSAGING_SERVICE_SID, settings.TWILIO_CONSENT_API = SERVICE, True
        settings.TWILIO_ACCOUNTS_API_BASE = server.url
        yield desk, server


def _answer(vendor):
    def answer(received: provider.Received) -> provider.Reply:
        parts = urlsplit(received.path)
        headers = {name.lower(): value for name, value in received.headers.items()}
        request = Request(received.method, parts.path, parse_qs(parts.query), headers, received.body)
        said = vendor.answer(request)
        return provider.Reply(204) if said.status == 204 else provider.Reply.of_json(said.body, said.status)

    return answer
