"""The other pages of a segment: who is in it, its versions, its definition as JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.console import pages
from campaigns.console.views.segments import head_context
from campaigns.segments import reading, selectors, store, words
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment, SegmentMembership
from campaigns.segments.parse import read_definition
from orchestrator import clock
from orchestrator.jobs import bells

PAGE_SIZE = 50


class _Line:
    """A file that hands back what the CSV writer writes to it."""

    def write(self, text: str) -> str:
        return text


@require_safe
def show_members(request: HttpRequest, slug: str) -> HttpResponse:
    segment = _segment(slug)
    wanted = request.GET.get("q", "").strip()
    members = _members(segment, wanted).annotate(people=Count("account__memberships"))
    context = {
        **_frame(segment, "members"),
        "q": wanted,
        "page": Paginator(members, PAGE_SIZE).get_page(request.GET.get("page")),
    }
    return pages.show(request, "console/segments/members.html", context)


@require_safe
def export_members(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    segment = _segment(slug)
    rows = _members(segment, request.GET.get("q", "").strip()).iterator(chunk_size=2000)
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{segment.slug}.csv"'
    return response


def _lines(rows: Iterator[SegmentMembership]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow(["external_id", "name", "in_since"])
    for stay in rows:
        member = stay.account or stay.contact
        if member is not None:
            yield writer.writerow([_cell(member.external_id), _cell(str(member)), stay.entered_at.isoformat()])


def _cell(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is marked as text."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _members(segment: Segment, wanted: str) -> QuerySet[SegmentMembership]:
    rows = selectors.current_members(segment=segment).select_related("account", "contact")
    if wanted:
        named = Q(account__name__icontains=wanted) | Q(account__external_id=wanted) | Q(account__domain__iexact=wanted)
        person = Q(contact__last_name__icontains=wanted) | Q(contact__external_id=wanted)
        rows = rows.filter(named | person)
    return rows.order_by("account__name", "contact__last_name", "pk")


@require_safe
def show_history(request: HttpRequest, slug: str) -> HttpResponse:
    segment = _segment(slug)
    names = words.Names.load()
    versions = [
        {"version": version, "sentence": _sentence(version.definition, names)}
        for version in segment.versions.order_by("-number")[:200]
    ]
    sizes = segment.refreshes.filter(error="").order_by("-pk")[:2000]
    context = {**_frame(segment, "history"), "versions": versions, "sizes": _daily(list(sizes))}
    return pages.show(request, "console/segments/history.html", context)


def _sentence(definition: Any, names: words.Names) -> str:
    try:
        read = read_definition(definition)
    except DefinitionError as error:
        return error.message
    return words.sentence(read.root, names=names, subject=read.subject)


def _daily(refreshes: list[Any]) -> list[Any]:
    """The last refresh of each day, newest first."""
    found: dict[Any, Any] = {}
    for refresh in refreshes:
        found.setdefault(refresh.started_at.date(), refresh)
    return list(found.values())[:30]


@require_POST
def restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Make an older version's rules the live ones, as a new version."""
    pages.require(request, "segments.change_segment")
    segment = _segment(slug)
    number = request.POST.get("version", "")
    if not number.isdigit() or len(number) > 9:
        raise Http404
    old = get_object_or_404(segment.versions, number=int(number))
    try:
        made = store.save_segment(
            slug=segment.slug,
            name=segment.name,
            definition=old.definition,
            by=request.user.get_username(),
            now=clock.utcnow(),
        )
    except DefinitionError as error:
        words_ = _("Version %(n)d can’t be used any more: %(why)s")
        messages.error(request, words_ % {"n": old.number, "why": error.message})
        return redirect("admin:studio-segment-history", slug=segment.slug)
    bells.ring("segments_due")
    told = {"old": old.number, "new": made.number}
    messages.success(request, _("Back to version %(old)d, saved as version %(new)d") % told)
    return redirect("admin:studio-segment", slug=segment.slug)


def edit_json(request: HttpRequest, slug: str) -> HttpResponse:
    segment = _segment(slug)
    live = segment.live_version
    text = json.dumps(_in_order(live.definition if live else {"all": []}), ensure_ascii=False, indent=2)
    error: DefinitionError | None = None
    if request.method == "POST":
        pages.require(request, "segments.change_segment")
        text = request.POST.get("definition", "")
        try:
            document = reading.read_json(text)
            version = store.save_segment(
                slug=segment.slug,
                name=segment.name,
                definition=document,
                by=request.user.get_username(),
                now=clock.utcnow(),
            )
        except DefinitionError as refused:
            error = refused
        else:
            bells.ring("segments_due")
            messages.success(request, _("Saved as version %(n)d") % {"n": version.number})
            return redirect("admin:studio-segment-json", slug=segment.slug)
    context = {**_frame(segment, "json"), "text": text, "error": error, "lines": min(max(text.count("\n") + 2, 8), 30)}
    return pages.show(request, "console/segments/json.html", context)


# The database keeps no order of keys; people read what a condition is about first and its value last.
_KEYS = ("subject", "field", "usage", "event", "crossing", "subscription", "score", "engagement", "consent", "segment")
_LAST = ("count", "op", "value")


def _in_order(given: Any) -> Any:
    if isinstance(given, list):
        return [_in_order(one) for one in given]
    if not isinstance(given, dict):
        return given
    places = {key: place for place, key in enumerate((*_KEYS, *sorted(set(given) - {*_KEYS, *_LAST}), *_LAST))}
    return {key: _in_order(given[key]) for key in sorted(given, key=lambda key: places[key])}


def _segment(slug: str) -> Segment:
    return get_object_or_404(Segment.objects.select_related("live_version"), slug=slug, archived_at__isnull=True)


def _frame(segment: Segment, tab: str) -> dict[str, Any]:
    return {
        "section": "segments",
        "title": segment.name,
        "segment": segment,
        "tab": tab,
        "now": clock.utcnow(),
        **head_context(segment),
    }
