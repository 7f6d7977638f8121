"""What people say yes to, and where a reported yes must be confirmed by themselves (double opt-in)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.consent import topics
from campaigns.consent.confirmation import EVERYWHERE
from campaigns.consent.models import ConsentTopic
from campaigns.console import consent_page, overtaking, pages
from campaigns.console.forms.topics import ConfirmationForm
from campaigns.segments.figures import country_name
from orchestrator import clock
from orchestrator.templating import word_lists

CHANGE = "consent.change_consenttopic"


@require_safe
def list_topics(request: HttpRequest) -> HttpResponse:
    language = get_language() or "en"
    rows = [
        {
            "topic": topic,
            "name": topic.name_in(language),
            "description": topic.description_in(language),
            "where": where_words(topic),
        }
        for topic in ConsentTopic.objects.order_by("-is_marketing", "name", "pk")
    ]
    context = {
        "section": "consent",
        "title": _("Consent"),
        "rows": rows,
        "noes": consent_page.recent_noes(language=language, now=clock.utcnow()),
        "can_change": request.user.has_perm(CHANGE),
    }
    return pages.show(request, "console/consent/list.html", context)


def edit_topic(request: HttpRequest, slug: str) -> HttpResponse:
    pages.require(request, CHANGE)
    topic = get_object_or_404(ConsentTopic, slug=slug, is_marketing=True)
    form = ConfirmationForm(request.POST if request.method == "POST" else None, topic=topic)
    if request.method == "POST" and overtaking.may_save(request, form, stored=topic.confirmed_in):
        by = request.user.get_username()
        if topics.set_confirmed_in(slug=slug, countries=form.wanted, by=by, now=clock.utcnow()):
            messages.success(request, _("Saved"), extra_tags=reverse("admin:studio-topic-undo", args=[slug]))
        return redirect("admin:studio-topics")
    context: dict[str, Any] = {
        "section": "consent",
        "title": _("Confirming a yes"),
        "topic": topic,
        "name": topic.name_in(get_language() or "en"),
        "form": form,
        "was": overtaking.fingerprint(topic.confirmed_in),
    }
    return pages.show(request, "console/consent/edit.html", context, status=422 if form.errors else 200)


@require_POST
def undo(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes back the last change that a person made, if nothing came after it."""
    pages.require(request, CHANGE)
    topic = get_object_or_404(ConsentTopic, slug=slug)
    before = topics.confirmed_in_before(topic=topic)
    if before is None:
        messages.error(request, _("There is nothing to bring back."))
    else:
        by = request.user.get_username()
        topics.set_confirmed_in(slug=slug, countries=before, by=by, now=clock.utcnow())
        messages.success(request, _("It is as it was before."))
    return redirect("admin:studio-topics")


def where_words(topic: ConsentTopic) -> str:
    if not topic.is_marketing:
        return _("Never asked: this is no marketing")
    if EVERYWHERE in topic.confirmed_in:
        return _("Everywhere")
    names = sorted(country_name(code) for code in topic.confirmed_in)
    return word_lists.join(names, language=get_language() or "en") if names else _("Nowhere")
