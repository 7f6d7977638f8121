"""The other pages of a segment: who is in it, its versions, its definition as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from campaigns.console import charts, listing, pages
from campaigns.console.listing import Asked
from campaigns.console.templatetags.console import count as show_count
from campaigns.console.views.segments import head_context, overtaken_by
from campaigns.segments import reading, selectors, store, words
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment, SegmentMembership
from campaigns.segments.parse import read_definition
from orchestrator import clock
from orchestrator.jobs import bells

_MEMBERS_HEAD = ("external_id", "name", "in_since")
_MEMBERS_SORTS = ("name", "-since")


@require_safe
def show_members(request: HttpRequest, slug: str) -> HttpResponse:
    segment = _segment(slug)
    _may_see_members(request, segment)
    asked = listing.read(request, sorts=_MEMBERS_SORTS)
    context = {
        **_frame(segment, "members"),
        "list": listing.make(
            request,
            asked=asked,
            rows=_members(segment, asked).annotate(people=Count("account__memberships")),
            total=selectors.current_members(segment=segment).count,
            nouns=lambda n: ngettext("%(shown)s member", "%(shown)s members", n) % {"shown": show_count(n)},
            find_label=_("Name, ID or domain"),
            file="admin:studio-segment-csv",
            file_args=[slug],
        ),
    }
    return pages.show(request, "console/segments/members.html", context)


@require_safe
def export_members(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    segment = _segment(slug)
    _may_see_members(request, segment)
    rows = _members(segment, listing.read(request, sorts=_MEMBERS_SORTS)).iterator(chunk_size=listing.CHUNK)
    return listing.export(name=segment.slug, head=_MEMBERS_HEAD, rows=_cells(rows), now=clock.utcnow())


def _may_see_members(request: HttpRequest, segment: Segment) -> None:
    if selectors.current_members(segment=segment).filter(contact__isnull=False).exists():
        pages.require_people(request)


def _cells(rows: Iterator[SegmentMembership]) -> Iterator[list[object]]:
    for stay in rows:
        member = stay.account or stay.contact
        if member is not None:
            yield [member.external_id, str(member), stay.entered_at]


def _members(segment: Segment, asked: Asked) -> QuerySet[SegmentMembership]:
    rows, wanted = selectors.current_members(segment=segment).select_related("account", "contact"), asked.words
    if wanted:
        named = Q(account__name__icontains=wanted) | Q(account__external_id=wanted) | Q(account__domain__iexact=wanted)
        person = Q(contact__last_name__icontains=wanted) | Q(contact__external_id=wanted)
        rows = rows.filter(named | person)
    if asked.sort.endswith("since"):
        return rows.order_by("entered_at" if asked.sort == "since" else "-entered_at", "pk")
    way = "-" if asked.sort == "-name" else ""
    return rows.order_by(f"{way}account__name", f"{way}contact__last_name", "pk")


@require_safe
def show_history(request: HttpRequest, slug: str) -> HttpResponse:
    segment = _segment(slug)
    names = words.Names.load()
    versions = [
        {"version": version, "sentence": _sentence(version.definition, names)}
        for version in segment.versions.order_by("-number")[:200]
    ]
    context = {
        **_frame(segment, "history"),
        "versions": versions,
        "sizes": charts.draw_segment(segment=segment, now=clock.utcnow(), zone=pages.time_zone_of(request)),
    }
    return pages.show(request, "console/segments/history.html", context)


def _sentence(definition: Any, names: words.Names) -> str:
    try:
        read = read_definition(definition)
    except DefinitionError as error:
        return error.message
    return words.sentence(read.root, names=names, subject=read.subject)


@require_POST
def restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Make an older version's rules the live ones, as a new version."""
    pages.require(request, "segments.change_segment")
    segment = _segment(slug)
    number = request.POST.get("version", "")
    if not number.isdecimal() or len(number) > 9:
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
    overtaken = ""
    if request.method == "POST":
        pages.require(request, "segments.change_segment")
        text, overtaken = request.POST.get("definition", ""), overtaken_by(request, segment)
    if request.method == "POST" and not overtaken:
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
    lines = min(max(text.count("\n") + 2, 8), 30)
    context = {**_frame(segment, "json"), "text": text, "error": error, "lines": lines, "overtaken": overtaken}
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
