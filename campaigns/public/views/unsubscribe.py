from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.consent import points
from campaigns.delivery import links
from campaigns.delivery import unsubscribe as opting
from campaigns.delivery.models import Message
from campaigns.public import pages
from orchestrator import clock
from orchestrator.signing import Purpose

RESUBSCRIBE = "resubscribe"


@csrf_exempt  # RFC 8058: the mail program posts here without cookies; the token is the authority
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST acts: link scanners fetch every address in a mail. Any POST body but the undo is a no."""
    message = links.message_of(purpose=Purpose.UNSUBSCRIBE, token=token)
    if message is None:
        return pages.not_found(request)
    if request.method != "POST":
        return _page(request, message, is_out=opting.is_opted_out(message=message))
    form = pages.form_of(request)
    evidence = {"ip": request.META.get("REMOTE_ADDR", "")}
    if form.get("action") == RESUBSCRIBE:
        done = opting.resubscribe(message=message, source="unsubscribe_page", evidence=evidence, now=clock.utcnow())
        return _page(request, message, is_out=not done, done="in" if done else "kept")
    opting.unsubscribe(message=message, source=_source(form), evidence=evidence, now=clock.utcnow())
    return _page(request, message, is_out=True, done="out")


def _source(form: Mapping[str, str]) -> str:
    return "one_click" if form.get("List-Unsubscribe") == "One-Click" else "unsubscribe_page"


def _page(request: HttpRequest, message: Message, *, is_out: bool, done: str = "") -> HttpResponse:
    address = "" if message.channel == "in_app" else points.address_of(contact=message.contact, channel=message.channel)
    context = {
        "channel": message.channel,
        "address": pages.mask_address(address),
        "is_out": is_out,
        "done": done,
        "resubscribe": RESUBSCRIBE,
        "preferences_url": links.preferences_url(message_uuid=message.uuid),
    }
    language = pages.language_of(request=request, locale=message.contact.locale or message.locale)
    return pages.render_page(request, "public/unsubscribe.html", context, language=language)
