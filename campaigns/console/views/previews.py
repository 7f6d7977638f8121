"""The message itself, in a frame with a policy of its own: no script, no request to anywhere, styles as in mail."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP
from django.utils.html import conditional_escape
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override

from campaigns.console import drafts, message_preview, pages, preview_panel, preview_people, samples
from campaigns.console.views import campaigns, wordings
from campaigns.sequences import wording
from campaigns.sequences.step_file import LOCALES
from orchestrator import clock

POLICY: dict[str, Any] = {
    "default-src": [CSP.NONE],
    "img-src": [CSP.SELF, "data:"],
    "style-src": [CSP.UNSAFE_INLINE],
    "frame-ancestors": [CSP.SELF],
    "form-action": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "sandbox": ["allow-popups"],
}


@xframe_options_sameorigin
@csp_override(POLICY)
def show_preview(request: HttpRequest, slug: str, key: str, letter: str) -> HttpResponse:
    """GET: as saved. POST: as it stands in the editor's form, not saved; with `part=subject` the subject alone."""
    campaign = campaigns.campaign_of(slug)
    document = drafts.document_of(campaign=campaign)
    step = wordings.message_of(document, key, letter)
    asked = {
        **request.GET.dict(),
        **{name: request.POST[name] for name in ("contact", "screen") if name in request.POST},
    }
    now = clock.utcnow()
    sees = pages.sees_people(request)
    person = preview_people.find(campaign=campaign, contact=asked.get("contact", ""), now=now) if sees else None
    locale = asked["language"] if asked.get("language") in LOCALES else "en"
    has_offer = "offer" in document
    facts = person.facts if person else samples.make_facts(campaign=campaign, has_offer=has_offer, now=now)
    if request.method == "POST" and request.GET.get("part") == "subject":
        typed = preview_panel.typed_subject(subject=request.POST.get("subject", ""), facts=facts, locale=locale)
        return HttpResponse(conditional_escape(typed))
    at = message_preview.snippets_as_of(campaign)
    texts = message_preview.contents_for(step=step, letter=letter, document=document, at=at).get(locale)
    if request.method == "POST":
        content = step["variants"][letter]["content"].get(locale, {})
        form = wordings.make_form(step, content, locale, has_offer, request.GET.get("tab", "blocks"), request.POST)
        if not form.is_valid():
            return HttpResponse(message_preview.notice(_("Fill in what is missing to see it.")))
        made = {locale: form.content()}
        texts = wording.delivery_content(channel=step["channel"], content=made, has_offer=has_offer)[locale]
    page = message_preview.page_of(
        channel=step["channel"],
        texts=texts,
        locale=locale,
        facts=facts,
        screen=asked.get("screen", ""),
        marketing=document.get("purpose", "MARKETING") == "MARKETING",
    )
    return HttpResponse(page)
