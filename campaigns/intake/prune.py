"""Take away what came in long ago and was dealt with. Its key stays (`SeenEvent`): sent again it changes nothing."""

from __future__ import annotations

from datetime import datetime

from campaigns.operations import partitions, retention
from campaigns.operations.retention import Taken

EVENTS = "intake_inboundevent"
_PENDING = "state = 'PENDING'"

_OLD = """
DELETE FROM {table} WHERE id = ANY(ARRAY(
    SELECT id FROM {table} WHERE received_at < %(before)s ORDER BY id LIMIT %(size)s FOR UPDATE SKIP LOCKED
))
"""


def remove_events(*, wall_now: datetime) -> Taken:
    """Whole months; one with an event that is still to be processed stays. With them go those parked as long, whom
    nobody has introduced since, and those that could not be read."""
    before = retention.cut_off(period="inbound", now=wall_now)
    if before is None:
        return retention.NOTHING
    partitions.drop_months(table=EVENTS, before=before, now=wall_now, unless=_PENDING)
    taken = partitions.clear_default(table=EVENTS, before=before, unless=_PENDING)
    for table in ("intake_parked", "intake_quarantined"):
        taken += retention.delete(statement=_OLD.format(table=table), params={"before": before})
    return taken
