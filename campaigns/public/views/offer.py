from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.delivery import links as delivery_links
from campaigns.offers import accept, decline
from campaigns.offers import links as offer_links
from campaigns.offers import selectors as offers
from campaigns.offers.accept import Result
from campaigns.offers.models import Quote, Refusal
from campaigns.profiles.models import Contact
from campaigns.public import pages, price_page
from orchestrator import clock, signing
from orchestrator.jobs import bells
from orchestrator.signing import Purpose

log = logging.getLogger(__name__)

NONCE_LIFE = timedelta(days=1)

# What an answer means to a program: done, already settled otherwise, too late.
_STATUS = {
    accept.UPGRADED: 200,
    accept.PENDING: 202,
    accept.ALREADY_DONE: 409,
    accept.FAILED: 409,
    accept.EXPIRED: 410,
}
_DONE = {"accept": accept.UPGRADED, "decline": accept.DECLINED, "call": accept.CALL_ASKED}


class _BadAnswer(ValueError):
    """A posted answer that cannot be taken; its words are shown on the page, in the page's language."""

    def __init__(self, words: str | Promise) -> None:
        super().__init__(words)
        self.words = words


@csrf_exempt  # the link is the authority; accepting also needs the nonce of the page
@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows price and terms and changes nothing; POST accepts, declines with a reason, or asks for a call."""
    found = _read(token)
    if found is None:
        return pages.not_found(request)
    quote, contact = found
    if request.method != "POST":
        return _page(request, quote, contact)
    form = pages.form_of(request)
    action = form.get("action", "")
    try:
        result = _act(action, form, quote, contact)
    except _BadAnswer as error:
        return _refuse(request, quote, contact, error.words)
    if result.name in (accept.UPGRADED, accept.DECLINED, accept.CALL_ASKED):
        bells.ring("conversions_due")
    status = 200 if result.name == _DONE[action] else _STATUS.get(result.name, 409)
    if _wants_json(request):
        return pages.harden(JsonResponse({"result": result.name}, status=status))
    fresh = offers.quote_by_uuid(quote_uuid=quote.uuid)
    assert fresh is not None, "A quote is never deleted."
    return _page(request, fresh, contact, result=result.name, status=status)


def _read(token: str) -> tuple[Quote, Contact] | None:
    try:
        quote_uuid, contact_id = offer_links.read_offer_token(token)
    except signing.BadTokenError:
        return None
    quote = offers.quote_by_uuid(quote_uuid=quote_uuid)
    contact = Contact.objects.filter(pk=contact_id, erased_at__isnull=True).first()
    return (quote, contact) if quote and contact else None


def _act(action: str, form: Mapping[str, str], quote: Quote, contact: Contact) -> Result:
    if action == "accept":
        return _accept(form, quote, contact)
    if action == "decline":
        reason = form.get("reason", "").upper() or Refusal.Reason.OTHER.value
        if reason not in Refusal.Reason.values:
            raise _BadAnswer(_("Choose one of the reasons on the page."))
        note = form.get("note", "").replace("\x00", "")
        return decline.decline_quote(
            quote_uuid=quote.uuid, contact_id=contact.pk, reason=reason, note=note, now=clock.utcnow()
        )
    if action == "call":
        return decline.ask_call(quote_uuid=quote.uuid, contact_id=contact.pk, now=clock.utcnow())
    raise _BadAnswer(_("Choose one of the buttons on the page."))


def _accept(form: Mapping[str, str], quote: Quote, contact: Contact) -> Result:
    """Only with the nonce of a page that was shown: a machine that posts to every link buys nothing."""
    if not _is_of_page(form.get("nonce", ""), quote, contact):
        raise _BadAnswer(_("Nothing was changed: this page had been open for long. Look at the price and press again."))
    quantity = form.get("quantity", "")
    if quantity and not (quantity.isascii() and quantity.isdigit() and len(quantity) <= 6):
        raise _BadAnswer(_("The number of seats must be a whole number."))
    try:
        return accept.accept_quote(
            quote_uuid=quote.uuid,
            contact_id=contact.pk,
            quantity=int(quantity) if quantity else None,
            now=clock.utcnow(),
            wall_now=clock.wall_now(),
        )
    except accept.QuantityError:
        raise _BadAnswer(_("This plan can’t be had with that number of seats.")) from None


def _nonce(quote: Quote, contact: Contact) -> str:
    return signing.sign(Purpose.OFFER_NONCE, f"{quote.uuid}:{contact.pk}")


def _is_of_page(nonce: str, quote: Quote, contact: Contact) -> bool:
    try:
        return signing.unsign(Purpose.OFFER_NONCE, nonce, max_age=NONCE_LIFE) == f"{quote.uuid}:{contact.pk}"
    except signing.BadTokenError:
        return False


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _refuse(request: HttpRequest, quote: Quote, contact: Contact, words: str | Promise) -> HttpResponse:
    if _wants_json(request):
        document = {"error": {"code": "bad_answer", "message": str(words), "path": "action"}}
        return pages.harden(JsonResponse(document, status=400))
    return _page(request, quote, contact, problem=words, status=400)


def _page(
    request: HttpRequest,
    quote: Quote,
    contact: Contact,
    *,
    result: str = "",
    problem: str | Promise = "",
    status: int = 200,
) -> HttpResponse:
    language = pages.language_of(request=request, locale=contact.locale)
    standing = price_page.judge(quote=quote, now=clock.utcnow())
    if (standing.is_over or standing.is_moved) and not result and status == 200:
        status = 410
    context = {
        "quote": quote,
        "contact": contact,
        "nonce": _nonce(quote, contact),
        "result": result,
        "problem": problem,
        "standing": standing,
        "may_say_no": standing.is_open or quote.may_be_taken_back,
        "reasons": price_page.reasons(language=language),
        "quiet_days": min(pause.days for pause in decline.COOL_DOWN.values()),
        "page": price_page.describe(
            quote=quote, contact=contact, evidence=_evidence(request, contact), language=language
        ),
    }
    return pages.render_page(request, "public/offer.html", context, language=language, status=status)


def _evidence(request: HttpRequest, contact: Contact) -> Mapping[str, object]:
    """What the message that led here said, so that the page says the same."""
    message = delivery_links.message_behind(path=request.path, contact_id=contact.pk)
    return (message.context.get("evidence") or {}) if message else {}
