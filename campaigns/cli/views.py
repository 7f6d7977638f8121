"""Liveness and readiness. They sit on the top floor because readiness looks into every room it reports on."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Nothing else is looked at, so that a restart is asked for only when it can help."""
    return JsonResponse({"ok": True})
