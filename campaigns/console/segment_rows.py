"""The list of segments: found by name, kept by use."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext as _

from campaigns.console.listing import CHUNK, Asked, Filter
from campaigns.segments.models import Segment
from campaigns.sequences.models import Campaign

SORTS = ("name", "-size", "-refreshed")
HEAD = ("segment", "name", "members", "as_of", "campaigns", "running_campaigns")


def filters() -> list[Filter]:
    uses = [("running", _("In a running campaign")), ("used", _("In a campaign")), ("unused", _("In no campaign"))]
    return [Filter("use", _("Use"), _("Used or not"), uses)]


def all_segments() -> QuerySet[Segment]:
    return Segment.objects.filter(archived_at__isnull=True)


def find_segments(*, asked: Asked) -> QuerySet[Segment]:
    """Each with `used` and `running`: the campaigns over it, and those of them that run or are paused."""
    is_running = Q(campaigns__status__in=[Campaign.Status.LIVE, Campaign.Status.PAUSED])
    rows = all_segments().annotate(
        used=Count("campaigns", distinct=True), running=Count("campaigns", filter=is_running, distinct=True)
    )
    if asked.words:
        rows = rows.filter(Q(name__icontains=asked.words) | Q(slug__icontains=asked.words))
    uses = {"running": Q(running__gt=0), "used": Q(used__gt=0), "unused": Q(used=0)}
    if asked.of("use"):
        rows = rows.filter(uses[asked.of("use")])
    column = F({"size": "size", "refreshed": "refreshed_at"}.get(asked.sort.removeprefix("-"), "name"))
    first = column.desc(nulls_last=True) if asked.sort.startswith("-") else column.asc(nulls_last=True)
    return rows.order_by(first, "name", "pk")


def cells(rows: QuerySet[Segment]) -> Iterator[list[object]]:
    for one in rows.iterator(chunk_size=CHUNK):
        numbers = [one.used, one.running]  # type: ignore[attr-defined]
        yield [one.slug, one.name, one.size, one.refreshed_at, *numbers]
