"""Take away old notes of syncs. The newest of each connection stays, and so does what runs."""

from __future__ import annotations

from datetime import datetime

from campaigns.operations import retention
from campaigns.operations.retention import Taken

_RUNS = """
DELETE FROM crm_syncrun WHERE id = ANY(ARRAY(
    SELECT old.id FROM crm_syncrun old
    WHERE old.started_at < %(before)s AND old.state <> 'RUNNING' AND EXISTS (
        SELECT FROM crm_syncrun newer WHERE newer.connection_id = old.connection_id AND newer.id > old.id
    )
    ORDER BY old.id LIMIT %(size)s FOR UPDATE OF old SKIP LOCKED
))
"""


def remove_runs(*, now: datetime) -> Taken:
    before = retention.cut_off(period="runs", now=now)
    return retention.delete(statement=_RUNS, params={"before": before}) if before else retention.NOTHING
