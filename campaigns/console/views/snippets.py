"""Snippets: named texts that several wordings include. Each save is a version; an older one can be brought back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from campaigns.console import campaign_words, marking, pages
from campaigns.console.forms.snippets import SnippetForm
from campaigns.console.views import campaigns
from campaigns.sequences import snippets
from campaigns.sequences.models import Snippet
from orchestrator import clock


def list_snippets(request: HttpRequest) -> HttpResponse:
    rows = list(Snippet.objects.annotate(changed_at=Max("versions__created_at")).order_by("name", "pk"))
    texts = snippets.load(slugs=[row.slug for row in rows])
    used = snippets.used_by(slugs=[row.slug for row in rows])
    context = {
        "section": "templates",
        "title": _("Snippets"),
        "can_change": request.user.has_perm(campaigns.CHANGE),
        "rows": [
            {
                "snippet": row,
                "text": marking.words_of(
                    source=texts.get(row.slug, {}).get(snippets.FALLBACK_LOCALE, ""),
                    facts={},
                    locale=snippets.FALLBACK_LOCALE,
                ),
                "languages": [campaign_words.own_name(locale) for locale in texts.get(row.slug, {})],
                "campaigns": used.get(row.slug, []),
            }
            for row in rows
        ],
    }
    return pages.show(request, "console/snippets/list.html", context)


def make_snippet(request: HttpRequest) -> HttpResponse:
    pages.require(request, campaigns.CHANGE)
    form = SnippetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _save(request, form)
        return redirect("admin:studio-snippet", slug=form.slug)
    return _page(request, form, {"title": _("New snippet")})


def edit_snippet(request: HttpRequest, slug: str) -> HttpResponse:
    """POST `do=back NUMBER`: what that version said, as the next one."""
    pages.require(request, campaigns.CHANGE)
    snippet = get_object_or_404(Snippet, slug=slug)
    do = request.POST.get("do", "").split()
    if request.method == "POST" and len(do) == 2 and do[0] == "back" and do[1].isdecimal():
        return _bring_back(request, snippet, int(do[1]))
    versions = list(snippet.versions.order_by("-number"))
    form = SnippetForm(
        request.POST if request.method == "POST" else None,
        snippet=snippet,
        initial=SnippetForm.initial_of(snippet, versions[0].content if versions else {}),
    )
    if request.method == "POST" and form.is_valid():
        _save(request, form)
        return redirect("admin:studio-snippet", slug=slug)
    context = {
        "title": snippet.name,
        "snippet": snippet,
        "versions": versions,
        "campaigns": snippets.used_by(slugs=[slug]).get(slug, []),
    }
    return _page(request, form, context)


def _bring_back(request: HttpRequest, snippet: Snippet, number: int) -> HttpResponse:
    version = get_object_or_404(snippet.versions, number=number)
    snippets.save(
        slug=snippet.slug,
        name=snippet.name,
        content=version.content,
        by=request.user.get_username(),
        now=clock.utcnow(),
    )
    messages.success(request, _("It says what version %(number)s said.") % {"number": number})
    return redirect("admin:studio-snippet", slug=snippet.slug)


def _save(request: HttpRequest, form: SnippetForm) -> None:
    snippets.save(
        slug=form.slug,
        name=form.cleaned_data["name"],
        content=form.content(),
        by=request.user.get_username(),
        now=clock.utcnow(),
    )
    messages.success(request, _("Saved"))


def _page(request: HttpRequest, form: SnippetForm, context: dict[str, Any]) -> HttpResponse:
    context |= {"section": "templates", "form": form, "now": clock.utcnow()}
    return pages.show(request, "console/snippets/edit.html", context, status=422 if form.errors else 200)
