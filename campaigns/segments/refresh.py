from __future__ import annotations

import logging
import time
from collections.abc import Collection
from datetime import datetime

from django.db import Error, connection, transaction

from campaigns.segments import nodes, sessions
from campaigns.segments.compile import compile_segment
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment, SegmentRefresh

log = logging.getLogger(__name__)

# Who matches is found once; who came and who went are written by the same statement.
_DIFF = """
    WITH matched AS MATERIALIZED ({matching}),
    entered AS (
        INSERT INTO segments_segmentmembership (segment_id, {subject}_id, entered_at)
        SELECT %s, matched.id, %s FROM matched
         WHERE NOT EXISTS (SELECT 1 FROM segments_segmentmembership stay
                            WHERE stay.segment_id = %s AND stay.{subject}_id = matched.id AND stay.left_at IS NULL)
        RETURNING 1
    ),
    gone AS (
        UPDATE segments_segmentmembership stay SET left_at = %s
         WHERE stay.segment_id = %s AND stay.left_at IS NULL
           AND (stay.{subject}_id IS NULL
                OR NOT EXISTS (SELECT 1 FROM matched WHERE matched.id = stay.{subject}_id))
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM entered), (SELECT count(*) FROM gone), (SELECT count(*) FROM matched)
"""


_NOTE_INSIDE = """
    INSERT INTO segments_segmentmembership (segment_id, {subject}_id, entered_at)
    SELECT %s, given.id, %s FROM unnest(%s::bigint[]) AS given(id)
     WHERE NOT EXISTS (SELECT 1 FROM segments_segmentmembership stay
                        WHERE stay.segment_id = %s AND stay.{subject}_id = given.id AND stay.left_at IS NULL)
"""


def refresh_live(*, now: datetime) -> list[SegmentRefresh]:
    """Refresh every live segment. One that fails records why and the others go on."""
    live = Segment.objects.filter(live_version__isnull=False, archived_at__isnull=True)
    return [refresh_segment(segment=segment, now=now) for segment in live.order_by("pk")]


def refresh_segment(*, segment: Segment, now: datetime) -> SegmentRefresh:
    """Bring the stays of a segment up to its live version as of `now`, as one statement: entered and left rows.

    `segment.refreshed_at` and `size` say how fresh the audience is; after an error they stay as they were
    and the returned row says what is wrong.
    """
    began = time.perf_counter()
    try:
        entered, left, size = _apply_diff(segment, now)
    except (DefinitionError, sessions.SegmentTooSlow, Error) as error:
        log.warning("Segment %s was not refreshed: %s", segment.slug, type(error).__name__)
        reason = str(error) if isinstance(error, DefinitionError | sessions.SegmentTooSlow) else type(error).__name__
        return _record(segment, now, began, error=reason)
    return _record(segment, now, began, entered=entered, left=left, size=size)


def note_inside(*, segment: Segment, subject: nodes.Subject, ids: Collection[int], now: datetime) -> None:
    """Begin the stays of these, who were just found to match, ahead of the next refresh; in the caller's
    transaction. Who is in it already stays as they are."""
    if not ids:
        return
    Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_INSIDE.format(subject=subject), [segment.pk, now, sorted(ids), segment.pk])


def _apply_diff(segment: Segment, now: datetime) -> tuple[int, int, int]:
    with sessions.bounded(seconds=sessions.REFRESH_SECONDS, read_only=False):
        locked = Segment.objects.select_for_update(no_key=True, of=("self",)).select_related("live_version")
        current = locked.get(pk=segment.pk)
        assert current.live_version is not None
        compiled = compile_segment(current.live_version.definition, now=now)
        statement = _DIFF.format(matching=compiled.sql, subject=compiled.subject)
        with connection.cursor() as cursor:
            cursor.execute(statement, [*compiled.params, segment.pk, now, segment.pk, now, segment.pk])
            entered, left, size = cursor.fetchone()
        Segment.objects.filter(pk=segment.pk).update(refreshed_at=now, size=size)
    segment.refreshed_at, segment.size = now, size
    return entered, left, size


def _record(
    segment: Segment,
    now: datetime,
    began: float,
    *,
    entered: int = 0,
    left: int = 0,
    size: int | None = None,
    error: str = "",
) -> SegmentRefresh:
    with transaction.atomic():
        return SegmentRefresh.objects.create(
            segment=segment,
            started_at=now,
            milliseconds=round((time.perf_counter() - began) * 1000),
            size=size,
            entered=entered,
            left=left,
            error=error,
        )
