"""The front doors. Each answers once what came is committed; nothing is understood here, only stored."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse

from campaigns.intake import basic_auth, sources, store, tracking, usage_webhook, vendor_webhooks
from campaigns.intake.models import Source
from campaigns.intake.moments import Receipt
from campaigns.intake.store import BadItem, NewItem
from orchestrator import clock
from orchestrator.jobs import bells
from orchestrator.webhooks import body as bodies
from orchestrator.webhooks import contract, signatures
from orchestrator.webhooks.contract import Webhook
from orchestrator.webhooks.errors import BadSignature, WebhookError

log = logging.getLogger(__name__)

type _Read = tuple[list[NewItem], list[BadItem]]


def take_tracking(request: HttpRequest, route: str) -> HttpResponse:
    """Segment's tracking API: Basic write key, or `writeKey` in the body."""
    try:
        _store_tracking(request, route)
    except WebhookError as error:
        log.warning("tracking request refused", extra={"outcome": error.outcome, "why": str(error)})
        return contract.refuse(error.status)
    except (DatabaseError, InterfaceError) as error:
        log.error("tracking request not stored", extra={"why": type(error).__name__})
        return contract.refuse(503)
    bells.ring("usage_stored")
    return JsonResponse({"success": True})


def take_usage_webhook(request: HttpRequest, slug: str) -> HttpResponse:
    """Standard Webhooks or CloudEvents of a source."""
    receipt = _receipt()
    webhook: Webhook[_Read] = Webhook(
        vendor="usage",
        verify=lambda signed: usage_webhook.verify_sender(slug=slug, request=signed),
        parse=lambda body: usage_webhook.read_items(body=body, headers=request.headers, receipt=receipt),
        apply=lambda read: _store(sources.find_by_slug(slug=slug), read, receipt),
    )
    return _receive(request, webhook)


def take_stripe_webhook(request: HttpRequest) -> HttpResponse:
    receipt = _receipt()
    webhook: Webhook[_Read] = Webhook(
        vendor="stripe",
        verify=lambda signed: signatures.verify_stripe(
            body=signed.body,
            header=signed.headers.get(signatures.STRIPE_SIGNATURE, ""),
            secret=settings.STRIPE_WEBHOOK_SECRET,
            wall_now=receipt.wall,
        ),
        parse=lambda body: (vendor_webhooks.read_stripe(body=body), []),
        apply=lambda read: _store(sources.vendor_source(kind="stripe", now=receipt.business), read, receipt),
    )
    return _receive(request, webhook)


def take_hubspot_webhook(request: HttpRequest) -> HttpResponse:
    receipt = _receipt()
    webhook: Webhook[_Read] = Webhook(
        vendor="hubspot",
        verify=lambda signed: signatures.verify_hubspot_v3(
            body=signed.body,
            headers=signed.headers,
            method=signed.method,
            uri=signed.uri,
            secret=settings.HUBSPOT_CLIENT_SECRET,
            wall_now=receipt.wall,
        ),
        parse=lambda body: vendor_webhooks.read_hubspot(body=body, receipt=receipt),
        apply=lambda read: _store(sources.vendor_source(kind="hubspot", now=receipt.business), read, receipt),
    )
    return _receive(request, webhook)


def _receipt() -> Receipt:
    return Receipt(wall=clock.wall_now(), business=clock.utcnow())


def _receive(request: HttpRequest, webhook: Webhook[_Read]) -> HttpResponse:
    answer = contract.receive(request, webhook)
    if answer.status_code == 200:
        bells.ring("usage_stored")
    return answer


def _store(source: Source, read: _Read, receipt: Receipt) -> None:
    store.store_items(source=source, items=read[0], bad=read[1], receipt=receipt)


def _store_tracking(request: HttpRequest, route: str) -> None:
    raw = bodies.decode_body(bodies.read_body(request), request.headers.get("Content-Encoding", ""))
    # The key first: a stranger's body is parsed only where the key may be inside it.
    source = sources.find_by_key(write_key=basic_auth.read_key(request.headers))
    document = bodies.read_json(raw)
    if source is None:
        source = sources.find_by_key(write_key=_key_in(document))
    if source is None:
        raise BadSignature("No active source has this write key.")
    receipt = _receipt()
    read = tracking.read_request(route=route, document=document, receipt=receipt)
    _store(source, (read.items, read.bad), receipt)


def _key_in(document: Any) -> str:
    key = document.get("writeKey") if isinstance(document, dict) else None
    return key if isinstance(key, str) else ""
