from __future__ import annotations

import logging

from campaigns.experiments import prune
from campaigns.operations import retention
from orchestrator import clock

log = logging.getLogger(__name__)


def prune_old(**_kwargs: object) -> None:
    retention.tell(log=log, taken={"snapshots": prune.thin_snapshots(now=clock.utcnow())})
