from __future__ import annotations

import logging
from typing import Any

from campaigns.operations import retention
from campaigns.segments import prune, refresh
from orchestrator import clock
from orchestrator.jobs import bells

log = logging.getLogger(__name__)


def refresh_live(**_kwargs: Any) -> None:
    """Answers `segments_due`."""
    done = refresh.refresh_live(now=clock.utcnow())
    if any(row.entered or row.left for row in done):
        bells.ring("audience_changed")


def prune_old(**_kwargs: Any) -> None:
    retention.tell(log=log, taken={"refreshes": prune.remove_refreshes(now=clock.utcnow())})
