from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.consent import confirm as confirming
from campaigns.consent import points
from campaigns.consent.models import ConsentRecord, ConsentTopic
from campaigns.delivery import ask
from campaigns.profiles import addresses
from campaigns.public import pages
from orchestrator import clock
from orchestrator.jobs import bells

# Grows with every change of what the page says or how it asks: evidence names it.
VERSION = 1


@csrf_exempt  # reached from a mail program, without cookies; the token is the authority
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what is asked, POST is the yes: link scanners fetch every address in a mail."""
    asked = ask.record_of(token=token)
    topic = ConsentTopic.objects.filter(slug=asked.topic).first() if asked is not None else None
    if asked is None or topic is None or asked.contact is None or asked.contact.erased_at:
        return pages.not_found(request)
    language = pages.language_of(request=request, locale=asked.contact.locale)
    name = topic.name_in(language)
    now = clock.utcnow()
    stands = confirming.standing(point=asked.point, asked=asked, now=now)
    if request.method == "POST":
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
    context = {"topic": name, "address": pages.mask_address(address), "stands": str(stands), "channel": asked.channel}
    return pages.render_page(request, "public/confirm.html", context, language=language)
