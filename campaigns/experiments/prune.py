"""Thin out old read-outs: of a day long past its last one stays, which is what the course of a test is drawn from."""

from __future__ import annotations

from datetime import datetime

from campaigns.operations import retention
from campaigns.operations.retention import Taken

# What stays says for how many looks it stands, so that their number stays what it was.
_SNAPSHOTS = """
WITH day AS (
    SELECT id, last_value(id) OVER (
        PARTITION BY experiment_id, (at AT TIME ZONE 'UTC')::date ORDER BY at, id
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS kept
    FROM experiments_snapshot WHERE at < %(before)s
), old AS MATERIALIZED (
    SELECT snapshot.id, day.kept, coalesce((snapshot.results ->> 'looks')::int, 1) AS looks
    FROM day JOIN experiments_snapshot snapshot ON snapshot.id = day.id
    WHERE day.id <> day.kept
    ORDER BY snapshot.id LIMIT %(size)s FOR UPDATE OF snapshot SKIP LOCKED
), summed AS (
    SELECT kept, sum(looks) AS looks FROM old GROUP BY kept
), told AS (
    UPDATE experiments_snapshot snapshot SET results = jsonb_set(
        snapshot.results, '{looks}',
        to_jsonb(coalesce((snapshot.results ->> 'looks')::int, 1) + summed.looks)
    )
    FROM summed WHERE snapshot.id = summed.kept
)
DELETE FROM experiments_snapshot WHERE id IN (SELECT id FROM old)
"""


def thin_snapshots(*, now: datetime) -> Taken:
    """All but the last of each day (UTC) that is past its period, which is that of notes of runs."""
    before = retention.cut_off(period="runs", now=now)
    return retention.delete(statement=_SNAPSHOTS, params={"before": before}) if before else retention.NOTHING
