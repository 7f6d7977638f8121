"""How the API says that something is wrong: {"error": {"code", "message", "path"}}, whatever it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, URLResolver
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

PREFIX = "/api/"
_OUTSIDE = {
    400: ("bad_request", "The call can't be read."),
    404: ("not_found", "There is nothing at this address."),
    500: (
        "failed",
        "This is a failure of ours, and it is written down. Call again later with the same Idempotency-Key.",
    ),
    503: ("away", "The database does not answer just now: call again in some seconds."),
}


class Fault(Schema):
    code: str
    message: str
    path: str = ""


class ErrorAnswer(Schema):
    error: Fault


class Refused(Exception):
    """A call that can't be done, and what the caller may do about it. `path` is the place in the body."""

    def __init__(self, status: int, code: str, message: str, path: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.path = status, code, message, path


def install(api: NinjaAPI) -> None:
    def answer(request: HttpRequest, status: int, code: str, message: str, path: str = "") -> HttpResponse:
        return api.create_response(request, error_body(code, message, path), status=status)

    def refused(request: HttpRequest, error: Any) -> HttpResponse:
        return answer(request, error.status, error.code, error.message, error.path)

    def not_allowed(request: HttpRequest, _error: Any) -> HttpResponse:
        response = answer(request, 401, "unauthorized", "Send a valid API key: `Authorization: Bearer crk_…`.")
        response["WWW-Authenticate"] = "Bearer"
        return response

    def invalid(request: HttpRequest, error: Any) -> HttpResponse:
        first = error.errors[0] if error.errors else {}
        message = str(first.get("msg", "The call does not have the form that is described in /api/v1/docs."))
        return answer(request, 422, "invalid", message, _path(first.get("loc", ())))

    def http_error(request: HttpRequest, error: Any) -> HttpResponse:
        return answer(request, error.status_code, "bad_request", str(error))

    def missing(request: HttpRequest, _error: Any) -> HttpResponse:
        return answer(request, 404, "not_found", "There is nothing at this address.")

    def too_large(request: HttpRequest, _error: Any) -> HttpResponse:
        return answer(request, 413, "too_large", "The body is larger than 2.5 MB: name fewer at a time.")

    api.add_exception_handler(RequestDataTooBig, too_large)
    api.add_exception_handler(Refused, refused)
    api.add_exception_handler(AuthenticationError, not_allowed)
    api.add_exception_handler(ValidationError, invalid)
    api.add_exception_handler(HttpError, http_error)
    api.add_exception_handler(Http404, missing)


def outside(request: HttpRequest, status: int) -> HttpResponse | None:
    """The same form for what never reaches a view, or what no view caught; None if the path is not the API's."""
    return JsonResponse(error_body(*_OUTSIDE[status]), status=status) if request.path.startswith(PREFIX) else None


def in_own_form(patterns: Iterable[URLPattern | URLResolver]) -> list[URLPattern]:
    """The package says 405 as plain text, and to what is only read an unsafe call was a page about cookies (403)."""
    return [
        URLPattern(one.pattern, _own_form(one.callback), one.default_args, one.name)
        for one in patterns
        if isinstance(one, URLPattern)
    ]


def _own_form(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    inner = view if getattr(view, "csrf_exempt", False) else require_safe(view)

    @csrf_exempt  # calls need a key and never go by a cookie; the others only read
    @wraps(view, updated=())
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = inner(request, *args, **kwargs)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        allowed = response["Allow"]
        body = error_body("method_not_allowed", f"This address takes {allowed}.")
        return JsonResponse(body, status=405, headers={"Allow": allowed})

    return answered


def error_body(code: str, message: str, path: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "path": path}}


def _path(place: Sequence[Any]) -> str:
    """("body", "call", "entries", 3, "account") as entries[3].account."""
    words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[2:])
    return words.lstrip(".")
