"""Take away sessions that have expired, and notes of long work that ended."""

from __future__ import annotations

from datetime import datetime

from campaigns.operations import retention
from campaigns.operations.retention import Taken

_SESSIONS = """
DELETE FROM django_session WHERE session_key = ANY(ARRAY(
    SELECT session_key FROM django_session WHERE expire_date < %(wall_now)s
    ORDER BY session_key LIMIT %(size)s FOR UPDATE SKIP LOCKED
))
"""
_TASKS = """
DELETE FROM operations_longtask WHERE id = ANY(ARRAY(
    SELECT id FROM operations_longtask WHERE ended_at < %(before)s ORDER BY id LIMIT %(size)s FOR UPDATE SKIP LOCKED
))
"""


def remove_sessions(*, wall_now: datetime) -> Taken:
    return retention.delete(statement=_SESSIONS, params={"wall_now": wall_now})


def remove_tasks(*, now: datetime) -> Taken:
    before = retention.cut_off(period="runs", now=now)
    return retention.delete(statement=_TASKS, params={"before": before}) if before else retention.NOTHING
