"""The list of segments and the form of their rules. Every button works without script; with it, only the part that
changes is drawn again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from campaigns.console import listing, pages, segment_page, segment_rows
from campaigns.console.forms import ready, rule_moves
from campaigns.console.forms import segments as segment_forms
from campaigns.console.forms.segments import Draft, NameForm, RenameForm
from campaigns.console.templatetags.console import count as show_count
from campaigns.segments import store
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment
from orchestrator import clock
from orchestrator.jobs import bells


@require_safe
def list_segments(request: HttpRequest) -> HttpResponse:
    filters = segment_rows.filters()
    asked = listing.read(request, filters=filters, sorts=segment_rows.SORTS)
    context = {
        "section": "segments",
        "title": _("Segments"),
        "now": clock.utcnow(),
        "list": listing.make(
            request,
            asked=asked,
            rows=segment_rows.find_segments(asked=asked),
            total=segment_rows.all_segments().count,
            nouns=lambda n: ngettext("%(n)s segment", "%(n)s segments", n) % {"n": show_count(n)},
            find_label=_("Search segments"),
            file="admin:studio-segments-csv",
            filters=filters,
        ),
        "ready": ready.ready_ones(),
    }
    return pages.show(request, "console/segments/list.html", context)


@require_safe
def export_segments(request: HttpRequest) -> StreamingHttpResponse:
    asked = listing.read(request, filters=segment_rows.filters(), sorts=segment_rows.SORTS)
    rows = segment_rows.cells(segment_rows.find_segments(asked=asked))
    return listing.export(name="segments", head=segment_rows.HEAD, rows=rows, now=clock.utcnow())


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
    overtaken = "" if draft.is_saved else overtaken_by(request, segment)
    named = {"slug": segment.slug, "name": segment.name}
    if draft.can_save and not overtaken and _save(request, draft, named, now):
        return redirect("admin:studio-segment", slug=segment.slug)
    return _page(request, draft, now=now, segment=segment, is_refused=True, overtaken=overtaken)


@require_POST
def count(request: HttpRequest) -> HttpResponse:
    """The live count for the rules as they stand in the form, and whatever depends on it elsewhere on the page."""
    slug = request.POST.get("own_slug", "").replace("\x00", "")  # PostgreSQL refuses NUL in text
    segment = Segment.objects.filter(slug=slug).select_related("live_version").first()
    draft, _change = segment_forms.from_post(request.POST, segment=segment)
    live = segment_page.look(draft, now=clock.utcnow(), sees_people=pages.sees_people(request))
    context = {
        "draft": draft,
        "live": live,
        "segment": segment,
        "now": clock.utcnow(),
        "rows": list(draft.tree.all_rows()),
        "sentence": segment_page.in_words(draft),
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


def overtaken_by(request: HttpRequest, segment: Segment) -> str:
    """What to tell somebody who saves rules that were loaded before somebody else's (or another tab's) were saved.
    The page shown with it carries the newer version, so that saving once more is meant. Empty: nothing came between."""
    loaded, live = request.POST.get("base", ""), segment.live_version
    if live is None or not loaded or loaded == str(live.number):
        return ""
    words = _("Version %(n)d was saved by %(who)s while you were working. What you see here is yours and not saved.")
    return words % {"n": live.number, "who": live.created_by or "–"}


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
    change: rule_moves.Change,
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
    change: rule_moves.Change | None = None,
    is_refused: bool = False,
    overtaken: str = "",
) -> HttpResponse:
    live = segment_page.look(draft, now=now, sees_people=pages.sees_people(request))
    context = {
        **_rules_context(draft, segment, change or rule_moves.Change(), is_refused=is_refused),
        "section": "segments",
        "title": segment.name if segment else _("New segment"),
        "now": now,
        "live": live,
        "form": form,
        "tab": "rules",
        "sentence": segment_page.in_words(draft),
        "is_refused": is_refused,
        "overtaken": overtaken,
        "ready": [] if segment else ready.ready_ones(),
    }
    if segment:
        context |= head_context(segment)
    return pages.show(request, "console/segments/form.html", context)


def _rules_context(
    draft: Draft, segment: Segment | None, change: rule_moves.Change, *, is_refused: bool = False
) -> dict[str, Any]:
    """`is_refused`: also say what is only not filled in yet."""
    segment_page.dress(draft.tree)
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
