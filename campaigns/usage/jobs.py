from __future__ import annotations

import logging
from typing import Any

from campaigns.operations import retention
from campaigns.usage import announce, crossings, prune
from orchestrator import clock
from orchestrator.jobs import bells

log = logging.getLogger(__name__)


def notice_crossings(**_kwargs: Any) -> None:
    """Answers `usage_rolled`. Segments are due whether or not a line was crossed: usage changed."""
    new = crossings.notice_crossings(now=clock.utcnow())
    if new:
        log.info("%d quota levels were newly crossed.", new)
    bells.ring("segments_due")


def announce_plan_changes(**_kwargs: Any) -> None:
    """Answers `conversions_due`: what moved in billing becomes an event that segments can ask about."""
    if announce.announce_plan_changes(now=clock.utcnow()):
        bells.ring("segments_due")


def prune_old(**_kwargs: Any) -> None:
    now = clock.utcnow()
    retention.tell(log=log, taken={"events": prune.remove_events(now=now), "days": prune.remove_days(now=now)})
