from __future__ import annotations

import logging

from campaigns.crm import connect, opt_outs, prune, sync, writeback
from campaigns.crm.models import CrmConnection, SyncRun
from campaigns.operations import retention
from orchestrator import clock
from orchestrator.connectors.contract import ConnectorError
from orchestrator.jobs import bells

log = logging.getLogger(__name__)


def sync_all(**_kwargs: object) -> None:
    """Pull what changed in every active connection."""
    for connection in connect.ensure_connections():
        if not connection.is_active:
            continue
        run = sync.sync_connection(connection=connection, full=False, now=clock.utcnow())
        if run.state == SyncRun.State.FAILED:
            log.error("The sync of %s failed: %s", connection.slug, run.error)
        bells.ring("profiles_changed")
        bells.ring("usage_rolled" if sync.has_news(run=run) else "segments_due")


def compare_opt_outs(**_kwargs: object) -> None:
    """Read every contact of the CRM again, so that no flag there was missed, and tell it what it lacks of ours."""
    for connection in connect.ensure_connections():
        if not connection.is_active:
            continue
        run = sync.sync_connection(connection=connection, full=True, now=clock.utcnow())
        _compare_opt_outs(connection)
        if run.state == SyncRun.State.FAILED:
            log.error("The sync of %s failed: %s", connection.slug, run.error)
    bells.ring("writebacks_due")


def _compare_opt_outs(connection: CrmConnection) -> None:
    try:
        compared = opt_outs.compare_opt_outs(connection=connection, now=clock.utcnow())
    except ConnectorError as error:
        log.error("The opt-outs of %s could not be compared: %s", connection.slug, error)
        return
    told = {"connection": connection.slug, "taken": compared.taken, "told_again": compared.told_again}
    log.info("opt-outs compared", extra=told)


def push_writebacks(**_kwargs: object) -> None:
    pushed = writeback.push_due(now=clock.utcnow(), wall_now=clock.wall_now())
    if pushed.failed:
        log.error("%s write-backs were given up: see them in the admin site.", pushed.failed)


def prune_old(**_kwargs: object) -> None:
    retention.tell(log=log, taken={"sync_runs": prune.remove_runs(now=clock.utcnow())})
