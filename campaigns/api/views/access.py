"""Who calls, what they may do, and that the same call acts once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja.security import HttpBearer

from campaigns.api import idempotency, keys
from campaigns.api.models import ApiKey
from campaigns.api.views.answers import Refused
from orchestrator import clock

_LONGEST_KEY = 200
_MORE = {ApiKey.Role.ANALYST: 0, ApiKey.Role.MARKETER: 1, ApiKey.Role.ADMIN: 2}


class BearerKey(HttpBearer):
    """`Authorization: Bearer crk_…`; the view finds the key as `request.auth`."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        return keys.find_key(secret=token, wall=clock.wall_now())


def caller(request: HttpRequest) -> ApiKey:
    api_key = getattr(request, "auth", None)
    if not isinstance(api_key, ApiKey):
        raise TypeError("A view of the API was called without its key.")
    return api_key


def require(request: HttpRequest, role: ApiKey.Role) -> ApiKey:
    """The caller's key, if it is of this role or of one that may do more. Raises Refused."""
    api_key = caller(request)
    held = ApiKey.Role(api_key.role)
    if _MORE[held] < _MORE[role]:
        words = f"This key is for {held.name.lower()}s: the call needs a key made with --role {role.name}."
        raise Refused(403, "forbidden", words)
    return api_key


def once(request: HttpRequest, act: Callable[[], Any]) -> HttpResponse | Any:
    """With an Idempotency-Key the first answer is kept and given again. A refused call leaves the key free."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return act()
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise Refused(
            400, "bad_idempotency_key", f"An Idempotency-Key has at most {_LONGEST_KEY} printable characters."
        )
    begun = _begin(request, key)
    if begun.kept:
        status, body = begun.kept
        return JsonResponse(body, status=status)
    try:
        body = act()
    except Refused:
        idempotency.forget_call(begun=begun)
        raise
    idempotency.keep_answer(begun=begun, status=200, body=body)
    return body


def _begin(request: HttpRequest, key: str) -> idempotency.Begun:
    told_apart = b"\n".join([str(request.method).encode(), request.path.encode("utf-8", "replace"), request.body])
    try:
        return idempotency.begin_call(
            api_key=caller(request), idempotency_key=key, request=told_apart, wall=clock.wall_now()
        )
    except idempotency.OtherCallError:
        words = "This Idempotency-Key was used for another call: make a new one for each."
        raise Refused(422, "idempotency_key_reused", words) from None
    except idempotency.UnderWayError:
        words = "The first call with this Idempotency-Key is under way: try again in some seconds."
        raise Refused(409, "under_way", words) from None
