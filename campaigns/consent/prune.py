"""The words of replies go once they were decided and nobody asks for them any more; that there was one stays."""

from __future__ import annotations

from datetime import datetime

from campaigns.operations import retention
from campaigns.operations.retention import Taken

_EMPTY = """
UPDATE consent_doubtfulreply SET text = '' WHERE id = ANY(ARRAY(
    SELECT id FROM consent_doubtfulreply WHERE state <> 'OPEN' AND decided_at < %(before)s AND text <> ''
    LIMIT %(size)s FOR UPDATE SKIP LOCKED
))
"""


def empty_replies(*, now: datetime) -> Taken:
    before = retention.cut_off(period="replies", now=now)
    return retention.delete(statement=_EMPTY, params={"before": before}) if before else retention.NOTHING
