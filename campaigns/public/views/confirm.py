from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.consent import confirm as confirming
from campaigns.consent import points
from campaigns.consent.models import ConsentRecord, ConsentTopic
from campaigns.delivery import ask
from campaigns.profiles import addresses
from campaigns.public import pages
from orchestrator import clock, signing
from orchestrator.jobs import bells
from orchestrator.signing import Purpose

# Grows with every change of what the page says or how it asks: evidence names it.
VERSION = 1
NONCE_LIFE = timedelta(days=1)


@csrf_exempt  # reached from a mail program, without cookies; the link is the authority, with the nonce of the page
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what is asked, POST is the yes: link scanners fetch every address in a mail, and some post to each. So
    a yes has the nonce of a page that was shown."""
    asked = ask.record_of(token=token)
    topic = ConsentTopic.objects.filter(slug=asked.topic).first() if asked is not None else None
    if asked is None or topic is None or asked.contact is None or asked.contact.erased_at:
        return pages.not_found(request)
    language = pages.language_of(request=request, locale=asked.contact.locale)
    name = topic.name_in(language)
    now = clock.utcnow()
    stands = confirming.standing(point=asked.point, asked=asked, now=now)
    is_old = request.method == "POST" and not _is_of_page(pages.form_of(request).get("nonce", ""), asked)
    if request.method == "POST" and not is_old:
        evidence = {
            # Enough to recognise an address that is shown to us, not to learn one.
            "ip_hash": addresses.hash_address(request.META.get("REMOTE_ADDR", "")).hex(),
            "page": f"confirm:{VERSION}",
            "language": language,
            "shown": name,
        }
        is_on = confirming.confirm(record_id=asked.pk, evidence=evidence, now=now)
        stands = ConsentRecord.State.GRANTED if is_on else ConsentRecord.State.WITHDRAWN
        bells.ring("segments_due")
    address = points.address_of(contact=asked.contact, channel=asked.channel)
    context = {
        "topic": name,
        "address": pages.mask_address(address),
        "stands": str(stands),
        "channel": asked.channel,
        "nonce": _nonce(asked),
        "is_old": is_old,
    }
    status = 400 if is_old else 200
    return pages.render_page(request, "public/confirm.html", context, language=language, status=status)


def _nonce(asked: ConsentRecord) -> str:
    return signing.sign(Purpose.CONFIRM_NONCE, str(asked.pk))


def _is_of_page(nonce: str, asked: ConsentRecord) -> bool:
    try:
        return signing.unsign(Purpose.CONFIRM_NONCE, nonce, max_age=NONCE_LIFE) == str(asked.pk)
    except signing.BadTokenError:
        return False
