from __future__ import annotations

import logging

from campaigns.operations import partitions, prune, retention
from orchestrator import clock

log = logging.getLogger(__name__)


def make_partitions(**_kwargs: object) -> None:
    """Keep months ahead of the large tables, and say so when rows fell beside them."""
    partitions.make_months(now=clock.utcnow())
    for table, rows in partitions.rows_in_default().items():
        if rows:
            log.error("%s rows of %s lie in its default partition: their month is outside those made.", rows, table)


def prune_old(**_kwargs: object) -> None:
    taken = {
        "sessions": prune.remove_sessions(wall_now=clock.wall_now()),
        "tasks": prune.remove_tasks(now=clock.utcnow()),
    }
    retention.tell(log=log, taken=taken)
