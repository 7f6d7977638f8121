"""Liveness and readiness, and what is said when the database is away. They sit on the top floor because readiness
looks into every room it reports on."""

from __future__ import annotations

import sys
from datetime import datetime

from django.db import Error, InterfaceError, OperationalError
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from campaigns.api.views import answers
from campaigns.delivery.models import Message
from campaigns.operations import readiness
from orchestrator import clock

RETRY_AFTER_S = 5


def server_error(request: HttpRequest) -> HttpResponse:
    """The handler of what no view caught. A database that is away, or has no connection left, is nobody's mistake:
    503 says to come back, also to providers whose webhooks are then tried again."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        answer = answers.outside(request, 503) or HttpResponse(loader.render_to_string("503.html"), status=503)
        answer["Retry-After"] = str(RETRY_AFTER_S)
        return answer
    return answers.outside(request, 500) or defaults.server_error(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answers.outside(request, 404) or defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answers.outside(request, 400) or defaults.bad_request(request, exception)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Nothing else is looked at, so that a restart is asked for only when it can help."""
    return JsonResponse({"ok": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    wall_now = clock.wall_now()
    state = readiness.look(wall_now=wall_now)
    open_messages, oldest_unknown = _outbox(wall_now) if state.database else (None, None)
    answer = {
        "ok": state.ok and open_messages is not None,
        "now": clock.utcnow().isoformat(),
        "database": state.database,
        "redis": state.redis,
        "workers": state.workers,
        "beat_age_s": state.beat_age_s,
        "open_messages": open_messages,
        "oldest_unknown_s": oldest_unknown,
    }
    return JsonResponse(answer, status=200 if answer["ok"] else 503)


def _outbox(wall_now: datetime) -> tuple[int | None, float | None]:
    """How many messages are under way, and for how long (wall time) the oldest has been undecided."""
    try:
        open_messages = Message.objects.filter(state__in=Message.OPEN).count()
        unknown = Message.objects.filter(state=Message.State.UNKNOWN)
        since = unknown.aggregate(Min("unknown_at"))["unknown_at__min"]
    except Error:
        return None, None
    return open_messages, round((wall_now - since).total_seconds(), 1) if since else None
