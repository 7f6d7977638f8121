from __future__ import annotations

import logging

from campaigns.analytics import snapshot
from orchestrator import clock

log = logging.getLogger(__name__)


def snapshot_experiments(**_kwargs: object) -> None:
    taken = snapshot.take_snapshots(now=clock.utcnow())
    if taken:
        log.info("%s experiments were read out.", taken)
