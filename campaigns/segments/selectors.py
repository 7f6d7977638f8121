from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from campaigns.segments import nodes, parse
from campaigns.segments.models import Segment, SegmentMembership, SegmentRefresh


def live_segments() -> QuerySet[Segment]:
    return Segment.objects.filter(live_version__isnull=False, archived_at__isnull=True).select_related("live_version")


def current_members(*, segment: Segment) -> QuerySet[SegmentMembership]:
    """The stays that have not ended, as of the last refresh."""
    return SegmentMembership.objects.filter(segment=segment, left_at__isnull=True)


def last_refresh(*, segment: Segment) -> SegmentRefresh | None:
    return SegmentRefresh.objects.filter(segment=segment).order_by("-started_at", "-pk").first()


def is_stale(*, segment: Segment, now: datetime, minutes: int) -> bool:
    """The audience is older than that, was never computed, or its last refresh failed."""
    last = last_refresh(segment=segment)
    if segment.refreshed_at is None or last is None or last.error:
        return True
    return (now - segment.refreshed_at).total_seconds() > minutes * 60


def segments_naming(*, slug: str) -> list[str]:
    """Slugs of live segments whose definition names this one directly."""
    return [
        other.slug
        for other in live_segments().order_by("slug")
        if other.live_version is not None and slug in _named(other.live_version.definition)
    ]


def _named(document: object) -> set[str]:
    definition = parse.read_definition(document)
    return {node.slug for node in nodes.walk(definition.root) if isinstance(node, nodes.SegmentRef)}
