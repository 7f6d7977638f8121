"""Take away old notes of refreshes. The newest good count of each segment stays, whatever its age."""

from __future__ import annotations

from datetime import datetime

from campaigns.operations import retention
from campaigns.operations.retention import Taken

_REFRESHES = """
DELETE FROM segments_segmentrefresh WHERE id = ANY(ARRAY(
    SELECT old.id FROM segments_segment segment JOIN segments_segmentrefresh old ON old.segment_id = segment.id
    WHERE old.started_at < %(before)s AND EXISTS (
        SELECT FROM segments_segmentrefresh newer
        WHERE newer.segment_id = segment.id AND newer.started_at > old.started_at AND newer.error = ''
    )
    LIMIT %(size)s FOR UPDATE OF old SKIP LOCKED
))
"""


def remove_refreshes(*, now: datetime) -> Taken:
    before = retention.cut_off(period="runs", now=now)
    return retention.delete(statement=_REFRESHES, params={"before": before}) if before else retention.NOTHING
