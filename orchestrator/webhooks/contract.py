"""Every webhook is taken in three steps: verify, parse, apply. This is the shape all of them share.

A room that has webhooks describes each one as a `Webhook` and answers with `receive`; the
statuses are the same everywhere (docs/adding-a-channel.md): 200 stored, also duplicates and
unknown messages; 401 without a body; 400; 413; 503 with Retry-After. Never 500.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse

from orchestrator.webhooks import body as bodies
from orchestrator.webhooks.errors import WebhookError

RETRY_AFTER_S = 30
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature is made over. `uri` is built on PUBLIC_BASE_URL: behind a proxy Host means nothing."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Webhook[Parsed]:
    """`verify` raises WebhookError or returns; `parse` turns the verified bytes into our words;
    `apply` stores them in one transaction and is safe to repeat.
    """

    vendor: str
    verify: Callable[[SignedRequest], object]
    parse: Callable[[bytes], Parsed]
    apply: Callable[[Parsed], object]


def receive[Parsed](request: HttpRequest, webhook: Webhook[Parsed]) -> HttpResponse:
    """Take one webhook and answer it. What cannot be stored now is handed back with 503, never lost."""
    try:
        signed = read_signed(request)
        webhook.verify(signed)
        webhook.apply(webhook.parse(signed.body))
    except WebhookError as error:
        _log.warning("webhook refused", extra={"vendor": webhook.vendor, "outcome": error.outcome, "why": str(error)})
        return refuse(error.status)
    except (DatabaseError, InterfaceError) as error:
        _log.error("webhook not stored", extra={"vendor": webhook.vendor, "why": type(error).__name__})
        return refuse(503)
    return HttpResponse(status=200)


def read_signed(request: HttpRequest) -> SignedRequest:
    return SignedRequest(
        method=request.method or "",
        uri=settings.PUBLIC_BASE_URL + request.get_full_path(),
        headers=request.headers,
        body=bodies.read_body(request),
    )


def refuse(status: int) -> HttpResponse:
    """An answer without a body: a forger learns nothing from it."""
    response = HttpResponse(status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response
