"""What all contact-facing pages share: the contact's language, headers that leak nothing, errors in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.template.loader import render_to_string
from django.utils import translation


def language_of(*, request: HttpRequest, locale: str = "") -> str:
    """The language asked for on the page, else the contact's, else the browser's."""
    spoken = {code for code, _ in settings.LANGUAGES}
    wanted = (request.GET.get("lang", ""), locale.replace("_", "-").partition("-")[0].lower())
    found = next((code for code in wanted if code in spoken), None)
    return found or translation.get_language_from_request(request)


def render_page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, language: str, status: int = 200
) -> HttpResponse:
    with translation.override(language):
        page = render_to_string(
            template,
            {
                **context,
                "language": language,
                "is_rtl": translation.get_language_bidi(),
                "languages": settings.LANGUAGES,
                "sender": settings.SENDER_NAME or "Crescendo",
                "postal_address": settings.SENDER_POSTAL_ADDRESS,
            },
            request=request,
        )
    return harden(HttpResponse(page, status=status))


def not_found(request: HttpRequest) -> HttpResponse:
    """For every kind of wrong link alike: nothing is given away."""
    return render_page(request, "public/not_found.html", {}, language=language_of(request=request), status=404)


def harden[Response: HttpResponseBase](response: Response) -> Response:
    """The address of such a page is its key: it must not travel on, be listed or be kept."""
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Cache-Control"] = "no-store"
    return response


def form_of(request: HttpRequest) -> Mapping[str, str]:
    """The posted fields, or none where the body is no form: an opt-out counts whatever surrounds it."""
    try:
        return {name: str(value) for name, value in request.POST.items()}
    except (MultiPartParserError, RawPostDataException, UnreadablePostError, BadRequest, SuspiciousOperation):
        return {}


def mask_address(address: str) -> str:
    """Enough to know one's own address by, too little for somebody else: `d•••@galil.example`."""
    name, at, domain = address.partition("@")
    if at:
        return f"{name[:1]}•••@{domain}"
    return f"{address[:4]}•••{address[-3:]}" if address else ""
