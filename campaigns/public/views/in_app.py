from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.delivery import in_app
from campaigns.delivery.in_app import Sighting
from campaigns.profiles import lookup
from campaigns.public import identity, pages
from orchestrator import clock
from orchestrator.webhooks import body as bodies
from orchestrator.webhooks.errors import WebhookError

_LONGEST = 64 * 1024
_MOST_EVENTS = 100


@require_http_methods(["GET", "HEAD", "OPTIONS"])
def feed(request: HttpRequest) -> HttpResponse:
    """What the host application should show to its logged-in contact."""
    if request.method == "OPTIONS":
        return _preflight()
    who = identity.identify(request=request)
    if who is None:
        return _answer({"error": _UNKNOWN}, status=401)
    account_id = lookup.account_ids(external_ids=[who.account]).get(who.account) if who.account else None
    if who.account and account_id is None:
        return _answer({"messages": []})
    rows = in_app.feed(contact=who.contact, now=clock.utcnow(), account_id=account_id)
    return _answer(
        {
            "messages": [
                {
                    "id": str(row.message.uuid),
                    "kind": row.kind,
                    "html": row.html,
                    "expires_at": row.expires_at.isoformat(),
                }
                for row in rows
            ]
        }
    )


@csrf_exempt  # no cookies: the signed token is the authority
@require_http_methods(["POST", "OPTIONS"])
def events(request: HttpRequest) -> HttpResponse:
    """Impressions, clicks and dismissals. An event that cannot be used is passed over; its neighbours count."""
    if request.method == "OPTIONS":
        return _preflight()
    who = identity.identify(request=request)
    if who is None:
        return _answer({"error": _UNKNOWN}, status=401)
    try:
        document = bodies.read_json(bodies.read_body(request, limit=_LONGEST))
    except WebhookError as error:
        return _answer({"error": {"code": error.outcome, "message": str(error), "path": ""}}, status=error.status)
    listed = document.get("events") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_EVENTS:
        words = f"`events` must be a list of at most {_MOST_EVENTS}."
        return _answer({"error": {"code": "bad_events", "message": words, "path": "events"}}, status=400)
    sightings = [found for one in listed if (found := _sighting(one)) is not None]
    kept = in_app.record_events(contact=who.contact, sightings=sightings, now=clock.utcnow())
    return _answer({"accepted": kept, "ignored": len(listed) - kept})


_UNKNOWN = {
    "code": "unknown_identity",
    "message": "The token is missing, expired, or signed for nobody we know.",
    "path": "",
}


def _sighting(event: Any) -> Sighting | None:
    if not isinstance(event, dict) or event.get("type") not in in_app.KINDS:
        return None
    try:
        message = str(UUID(str(event.get("message"))))
        at = parse_datetime(str(event.get("at")))
    except ValueError:
        return None
    return Sighting(message_uuid=message, kind=event["type"], at=_aware(at)) if at else None


def _aware(at: datetime) -> datetime:
    return at if timezone.is_aware(at) else timezone.make_aware(at)


def _answer(document: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return _open_to_hosts(JsonResponse(document, status=status))


def _preflight() -> HttpResponse:
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = "GET, POST"
    response["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    response["Access-Control-Max-Age"] = "86400"
    return _open_to_hosts(response)


def _open_to_hosts(response: HttpResponse) -> HttpResponse:
    """Any page may ask: no cookie is read, and without a contact's token there is nothing to get."""
    response["Access-Control-Allow-Origin"] = "*"
    return pages.harden(response)
