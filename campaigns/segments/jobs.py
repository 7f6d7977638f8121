from __future__ import annotations

from typing import Any

from campaigns.segments import refresh
from orchestrator import clock
from orchestrator.jobs import bells


def refresh_live(**_kwargs: Any) -> None:
    """Answers `segments_due`."""
    done = refresh.refresh_live(now=clock.utcnow())
    if any(row.entered or row.left for row in done):
        bells.ring("audience_changed")
