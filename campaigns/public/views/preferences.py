from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.consent import preferences as choosing
from campaigns.consent import selectors as consent
from campaigns.consent.preferences import Change
from campaigns.consent.selectors import ChannelState
from campaigns.delivery import links
from campaigns.delivery import unsubscribe as opting
from campaigns.delivery.models import Message
from campaigns.profiles import addresses
from campaigns.profiles.models import Contact
from campaigns.public import pages, preference_page
from orchestrator import clock
from orchestrator.signing import Purpose

SOURCE = "preference_page"
STOP, RESUBSCRIBE = "stop", "resubscribe"


@csrf_exempt  # the signed link is the authority; a person comes here from a mail, without a session
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what we may send and changes nothing; POST changes it. A box that is not ticked is a no."""
    message = links.message_of(purpose=Purpose.PREFERENCES, token=token)
    contact = _reader(message) if message else None
    if message is None or contact is None:
        return pages.not_found(request)
    language = pages.language_of(request=request, locale=contact.locale or message.locale)
    states = consent.channel_states(contact=contact)
    if request.method != "POST":
        return _page(request, contact, states, language)
    now = clock.utcnow()
    changes = _act(pages.form_of(request), contact, states, _evidence(request, message, states, language), now)
    if any((one.topic, one.channel, one.is_on) == (message.gate.topic, message.channel, False) for one in changes):
        opting.mark_cost(message=message, now=now)
    return _page(request, contact, consent.channel_states(contact=contact), language, changes=changes)


def _reader(message: Message) -> Contact | None:
    """Whom the message was for, or who that person is known as since; None once erased. A test goes to a colleague,
    who speaks for nobody."""
    if message.purpose == Message.Purpose.TEST:
        return None
    contact = message.contact
    seen = {contact.pk}
    while contact.merged_into is not None and contact.merged_into.pk not in seen:
        contact = contact.merged_into
        seen.add(contact.pk)
    return None if contact.erased_at else contact


def _act(
    form: Mapping[str, str],
    contact: Contact,
    states: Sequence[ChannelState],
    evidence: Mapping[str, Any],
    now: datetime,
) -> list[Change]:
    action = form.get("action", "")
    if action == STOP:
        return choosing.stop_everything(contact_id=contact.pk, source=SOURCE, evidence=evidence, now=now)
    wanted = preference_page.wanted_of(form=form, states=states)
    if action == RESUBSCRIBE:
        state = next((one for one in states if one.channel == form.get("channel")), None)
        wanted = choosing.before_the_block(state=state) if state else {}
    return choosing.set_preferences(contact_id=contact.pk, wanted=wanted, source=SOURCE, evidence=evidence, now=now)


def _evidence(request: HttpRequest, message: Message, states: Sequence[ChannelState], language: str) -> dict[str, Any]:
    """What was shown, in which words, to whose browser. Of the browser and its address only a keyed hash is kept."""
    visitor = f"{request.META.get('REMOTE_ADDR', '')} {request.headers.get('User-Agent', '')}"
    topics = preference_page.topics_of(states=states, language=language)
    return {
        "page": "preferences",
        "version": preference_page.VERSION,
        "language": language,
        "shown": preference_page.shown_evidence(topics=topics),
        "message": str(message.uuid),
        "campaign": message.origin_campaign,
        "visitor": addresses.hash_address(visitor).hex()[:16],
    }


def _page(
    request: HttpRequest,
    contact: Contact,
    states: Sequence[ChannelState],
    language: str,
    *,
    changes: Sequence[Change] | None = None,
) -> HttpResponse:
    """`changes` None: nothing was asked for."""
    topics = preference_page.topics_of(states=states, language=language)
    agreed = consent.first_yes(contact_id=contact.pk)
    context = {
        "topics": topics,
        "addresses": preference_page.addresses_of(states=states),
        "notes": preference_page.notes_of(states=states, language=language),
        "is_saved": changes is not None,
        "told": preference_page.told(changes=changes or (), topics=topics, language=language),
        "undo": preference_page.undo_of(changes=changes or ()),
        "can_stop": any(not state.point.is_blocked for state in states),
        "agreed_on": preference_page.day(agreed.at.date(), language) if agreed else "",
        "stop": STOP,
        "resubscribe": RESUBSCRIBE,
    }
    return pages.render_page(request, "public/preferences.html", context, language=language)
