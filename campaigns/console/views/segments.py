"""The list of segments and the form of their rules. Every button works without script; with it, only the part that
changes is drawn again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.console import pages, segment_page
from campaigns.console.forms import ready, rules
from campaigns.console.forms import segments as segment_forms
from campaigns.console.forms.segments import Draft, NameForm, RenameForm
from campaigns.segments import store
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment
from campaigns.sequences.models import Campaign
from orchestrator import clock
from orchestrator.jobs import bells

PAGE_SIZE = 50


@require_safe
def list_segments(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()
    running = Q(campaigns__status__in=[Campaign.Status.LIVE, Campaign.Status.PAUSED])
    rows = Segment.objects.filter(archived_at__isnull=True).annotate(
        used=Count("campaigns", distinct=True), running=Count("campaigns", filter=running, distinct=True)
    )
    if wanted:
        rows = rows.filter(Q(name__icontains=wanted) | Q(slug__icontains=wanted))
    context = {
        "section": "segments",
        "title": _("Segments"),
        "now": clock.utcnow(),
        "q": wanted,
        "page": Paginator(rows.order_by("name", "pk"), PAGE_SIZE).get_page(request.GET.get("page")),
        "ready": ready.ready_ones(),
    }
    return pages.show(request, "console/segments/list.html", context)


def new_segment(request: HttpRequest) -> HttpResponse:
    now = clock.utcnow()
    if request.method != "POST":
        chosen = next((one for one in ready.ready_ones() if one.key == request.GET.get("start")), None)
        draft = segment_forms.blank(chosen.definition if chosen else None)
        form = NameForm(initial={"name": chosen.name, "slug": chosen.key} if chosen else None)
        return _page(request, draft, now=now, form=form)
    action = request.POST.get("do", "")
    draft, change = segment_forms.from_post(request.POST, segment=None, action=action)
    if action != "save":
        form = NameForm(initial={"name": request.POST.get("name", ""), "slug": request.POST.get("slug", "")})
        return _redraw(request, draft, change, now=now, form=form)
    pages.require(request, "segments.add_segment")
    form = NameForm(request.POST)
    if form.is_valid() and draft.can_save and _save(request, draft, form.cleaned_data, now):
        return redirect("admin:studio-segment", slug=form.cleaned_data["slug"])
    return _page(request, draft, now=now, form=form, is_refused=True)


def edit_segment(request: HttpRequest, slug: str) -> HttpResponse:
    now = clock.utcnow()
    segment = _segment(slug)
    if request.method != "POST":
        return _page(request, segment_forms.from_segment(segment), now=now, segment=segment)
    action = request.POST.get("do", "")
    draft, change = segment_forms.from_post(request.POST, segment=segment, action=action)
    if action != "save":
        return _redraw(request, draft, change, now=now, segment=segment)
    pages.require(request, "segments.change_segment")
    if draft.can_save and _save(request, draft, {"slug": segment.slug, "name": segment.name}, now):
        return redirect("admin:studio-segment", slug=segment.slug)
    return _page(request, draft, now=now, segment=segment, is_refused=True)


@require_POST
def count(request: HttpRequest) -> HttpResponse:
    """The live count for the rules as they stand in the form, and whatever depends on it elsewhere on the page."""
    segment = Segment.objects.filter(slug=request.POST.get("own_slug", "")).select_related("live_version").first()
    draft, _change = segment_forms.from_post(request.POST, segment=segment)
    live = segment_page.look(draft, now=clock.utcnow())
    context = {
        "draft": draft,
        "live": live,
        "segment": segment,
        "now": clock.utcnow(),
        "rows": list(draft.tree.all_rows()),
    }
    return pages.show(request, "console/segments/_count.html", context)


@require_POST
def rename(request: HttpRequest, slug: str) -> HttpResponse:
    pages.require(request, "segments.change_segment")
    segment = _segment(slug)
    form = RenameForm(request.POST)
    if form.is_valid():
        store.save_segment(
            slug=segment.slug,
            name=form.cleaned_data["name"],
            definition=segment_forms.live_definition(segment),
            by=request.user.get_username(),
            now=clock.utcnow(),
        )
        messages.success(request, _("Renamed"))
    else:
        messages.error(request, _("Not renamed: a segment needs a name of up to 200 characters."))
    return redirect("admin:studio-segment", slug=segment.slug)


def _segment(slug: str) -> Segment:
    return get_object_or_404(Segment.objects.select_related("live_version"), slug=slug, archived_at__isnull=True)


def _save(request: HttpRequest, draft: Draft, named: dict[str, Any], now: datetime) -> bool:
    before = Segment.objects.filter(slug=named["slug"]).values_list("live_version__number", flat=True).first()
    try:
        version = segment_forms.save(
            draft, slug=named["slug"], name=named["name"], by=request.user.get_username(), now=now
        )
    except DefinitionError as error:
        draft.problem = error.message
        return False
    bells.ring("segments_due")
    if version.number == before:
        messages.info(request, _("Nothing was changed: version %(n)d stays.") % {"n": version.number})
    else:
        messages.success(request, _("Saved as version %(n)d") % {"n": version.number})
    return True


def _redraw(
    request: HttpRequest,
    draft: Draft,
    change: rules.Change,
    *,
    now: datetime,
    segment: Segment | None = None,
    form: NameForm | None = None,
) -> HttpResponse:
    """After a button of the rules: with script only the rules, whose new count the page then asks for."""
    if not request.htmx:  # type: ignore[attr-defined]
        return _page(request, draft, now=now, segment=segment, form=form, change=change)
    context = _rules_context(draft, segment, change)
    response = pages.show(request, "console/segments/_rules.html", context)
    response["HX-Trigger-After-Settle"] = "recount"
    return response


def _page(
    request: HttpRequest,
    draft: Draft,
    *,
    now: datetime,
    segment: Segment | None = None,
    form: NameForm | None = None,
    change: rules.Change | None = None,
    is_refused: bool = False,
) -> HttpResponse:
    live = segment_page.look(draft, now=now)
    context = {
        **_rules_context(draft, segment, change or rules.Change(), is_refused=is_refused),
        "section": "segments",
        "title": segment.name if segment else _("New segment"),
        "now": now,
        "live": live,
        "form": form,
        "tab": "rules",
        "is_refused": is_refused,
        "ready": [] if segment else ready.ready_ones(),
    }
    if segment:
        context |= head_context(segment)
    return pages.show(request, "console/segments/form.html", context)


def _rules_context(
    draft: Draft, segment: Segment | None, change: rules.Change, *, is_refused: bool = False
) -> dict[str, Any]:
    """`is_refused`: also say what is only not filled in yet."""
    segment_page.say_kept(draft.tree)
    return {
        "draft": draft,
        "tree": draft.tree,
        "segment": segment,
        "facts": draft.catalogue.groups(),
        "change": change,
        "removed": segment_page.tell_removed(change.removed, draft) if change.removed else "",
        "show_unfinished": is_refused,
    }


def head_context(segment: Segment) -> dict[str, Any]:
    """What the head of a segment's pages says: versions, who uses it, where Undo and Redo lead."""
    versions = list(segment.versions.order_by("number").only("number", "definition", "created_at", "created_by"))
    undo, redo = segment_page.undo_and_redo([version.definition for version in versions])
    return {
        "version": segment.live_version,
        "used_by": segment_page.used_by(segment),
        "undo": versions[undo] if undo is not None else None,
        "redo": versions[redo] if redo is not None else None,
    }
