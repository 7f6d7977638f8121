from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.delivery import in_app
from campaigns.delivery.in_app import Banner, Sighting
from campaigns.intake import moments
from campaigns.intake.moments import Receipt
from campaigns.public import attempts, embed, identity, pages
from campaigns.public.attempts import Attempt
from campaigns.public.identity import Identity
from orchestrator import clock
from orchestrator.jobs import bells
from orchestrator.webhooks import body as bodies
from orchestrator.webhooks.errors import WebhookError

_LONGEST = 64 * 1024
_MOST_EVENTS = 100
_LONGEST_ID = 100
_LONGEST_AGO = timedelta(days=2)  # a tab that slept and reports when it wakes


@require_http_methods(["GET", "HEAD"])
def script(request: HttpRequest) -> HttpResponseBase:
    """`crescendo.js`: the same for everybody, so that browsers keep it for an hour and then only ask whether it is
    still the same."""
    made = embed.script()
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(made.packed if is_packed else made.plain, content_type="text/javascript; charset=utf-8")
    if is_packed:
        response["Content-Encoding"] = "gzip"
    # Weak: the same script packed and plain.
    response["ETag"] = f'W/"{made.digest}"'
    response["Cache-Control"] = "public, max-age=3600, stale-while-revalidate=86400"
    response["Vary"] = "Accept-Encoding"
    answer = get_conditional_response(request, etag=response["ETag"], response=response) or response
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@require_http_methods(["GET", "HEAD", "OPTIONS"])
def feed(request: HttpRequest) -> HttpResponseBase:
    """What the host application should show to its logged-in contact."""
    if request.method == "OPTIONS":
        return _preflight()
    word = identity.read_word(request=request)
    now = clock.utcnow()
    banners = in_app.feed(contact=word.contact, account=word.account, now=now) if word else None
    if banners is None:
        return _answer({"error": _UNKNOWN}, status=401)
    return _unless_known(request, banners)


@csrf_exempt  # no cookies: the signed token is the authority
@require_http_methods(["POST", "OPTIONS"])
def events(request: HttpRequest) -> HttpResponse:
    """Impressions, clicks, dismissals, and attempts at a gated feature. An event that cannot be used is passed over;
    its neighbours count.

    `sent_at` beside the events is optional: with it times are corrected by how wrong the browser's clock is.
    """
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
    receipt = Receipt(wall=clock.wall_now(), business=clock.utcnow())
    kept = _keep(who, _read(listed, document.get("sent_at"), receipt), receipt)
    return _answer({"accepted": kept, "ignored": len(listed) - kept})


_UNKNOWN = {
    "code": "unknown_identity",
    "message": "The token is missing, expired, or signed for nobody we know.",
    "path": "",
}


@dataclass(slots=True)
class _Told:
    sightings: list[Sighting] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)


def _keep(who: Identity, told: _Told, receipt: Receipt) -> int:
    kept = in_app.record_events(contact=who.contact, sightings=told.sightings, now=receipt.business)
    tried = attempts.record_attempts(who=who, attempts=told.attempts, receipt=receipt)
    if tried:
        bells.ring("usage_stored")
    return kept + tried


def _read(listed: Sequence[Any], sent: Any, receipt: Receipt) -> _Told:
    told = _Told()
    try:
        sent_at = moments.read_moment(sent)
    except moments.NotAMomentError:
        sent_at = None
    for event in listed:
        if not isinstance(event, dict):
            continue
        try:
            timestamp = moments.read_moment(event.get("at"))
        except moments.NotAMomentError:
            continue
        if timestamp is not None:
            _sort_in(told, event, _business_time(timestamp, sent_at, receipt))
    return told


def _business_time(timestamp: datetime, sent_at: datetime | None, receipt: Receipt) -> datetime:
    """A browser tells what happened moments ago, by a clock that may be anything: only how long ago is believed.

    Whoever leaves `sent_at` out speaks in business time.
    """
    if sent_at is None or timestamp > sent_at:
        return moments.correct(timestamp=timestamp, sent_at=None, receipt=receipt)
    return receipt.business - min(sent_at - timestamp, _LONGEST_AGO)


def _sort_in(told: _Told, event: dict[str, Any], at: datetime) -> None:
    kind = event.get("type")
    if kind == "gate":
        feature, event_id = event.get("feature"), str(event.get("id") or "")
        is_code = isinstance(feature, str) and attempts.FEATURE.fullmatch(feature)
        if is_code and len(event_id) <= _LONGEST_ID:
            told.attempts.append(Attempt(event_id=event_id, feature=str(feature), at=at))
    elif kind in in_app.KINDS:
        try:
            message = str(UUID(str(event.get("message"))))
        except ValueError:
            return
        told.sightings.append(Sighting(message_uuid=message, kind=kind, at=at))


def _shown(banner: Banner) -> dict[str, Any]:
    return {
        "id": banner.id,
        "kind": banner.kind,
        "html": banner.html,
        "expires_at": banner.expires_at.isoformat(),
        "place": banner.place,
    }


def _unless_known(request: HttpRequest, banners: Sequence[Banner]) -> HttpResponseBase:
    """The answer, or 304 where the browser has it already. It is one person's: no cache on the way keeps it."""
    etag = quote_etag(sha256(repr(banners).encode()).hexdigest()[:32])
    answer = get_conditional_response(request, etag=etag)
    if answer is None:
        answer = JsonResponse({"messages": [_shown(banner) for banner in banners]})
        answer["ETag"] = etag
    _open_to_hosts(answer)
    answer["Cache-Control"] = "private, no-cache"
    answer["Vary"] = "Authorization"
    return answer


def _answer(document: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return _open_to_hosts(JsonResponse(document, status=status))


def _preflight() -> HttpResponse:
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = "GET, POST"
    response["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    response["Access-Control-Max-Age"] = "86400"
    return _open_to_hosts(response)


def _open_to_hosts[Response: HttpResponseBase](response: Response) -> Response:
    """Any page may ask: no cookie is read, and without a contact's token there is nothing to get."""
    response["Access-Control-Allow-Origin"] = "*"
    return pages.harden(response)
