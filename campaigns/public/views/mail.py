from __future__ import annotations

from collections.abc import Collection, Mapping

from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from campaigns.delivery import links, render
from campaigns.public import pages
from orchestrator.signing import Purpose
from orchestrator.templating.errors import TemplateError

# A mail brings its own styles and no scripts; sandboxed, it has no origin and so no access to ours.
_POLICY: Mapping[str, Collection[str] | str] = {
    "default-src": [CSP.NONE],
    "img-src": ["https:", "data:"],
    "style-src": [CSP.UNSAFE_INLINE],
    "frame-ancestors": [CSP.NONE],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


@require_safe
def view_mail(request: HttpRequest, token: str) -> HttpResponse:
    """The mail in a browser, for a mail program that shows it badly."""
    message = links.message_of(purpose=Purpose.IN_APP_VIEW, token=token)
    if message is None or message.channel != "email" or message.contact.erased_at:
        return pages.not_found(request)
    try:
        rendered = render.render_for_view(message=message)
    except TemplateError:
        return pages.not_found(request)
    return _show(request, rendered.html)


@csp_override(_POLICY)
def _show(_request: HttpRequest, html: str) -> HttpResponse:
    """The mail alone: a page of ours, which says that there is none, brings our styles and keeps our policy."""
    return pages.harden(HttpResponse(html))
