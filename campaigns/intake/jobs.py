from __future__ import annotations

import logging

from campaigns.intake import process, prune, replay
from campaigns.intake.process import Processed
from campaigns.operations import retention
from orchestrator import clock
from orchestrator.jobs import bells

log = logging.getLogger(__name__)

# Then the queue is given back to the other bells; a backlog of millions must not keep messages waiting.
MOST_BATCHES = 4


def process_inbound(**_kwargs: object) -> None:
    """Understand what the front doors stored."""
    for _ in range(MOST_BATCHES):
        processed = process.process_inbound(now=clock.utcnow(), limit=process.BATCH)
        if not processed.claimed:
            return
        _ring(processed)
    bells.ring("usage_stored")


def replay_parked(**_kwargs: object) -> None:
    """Wake the events whose account, contact, customer or plan has arrived."""
    replayed = replay.replay_parked(now=clock.utcnow())
    if replayed.events:
        bells.ring("usage_stored")
    if not replayed.is_all:
        bells.ring("profiles_changed")


def _ring(processed: Processed) -> None:
    for bell, is_due in (
        ("usage_rolled", processed.has_usage),
        ("profiles_changed", processed.has_introductions),
        ("segments_due", processed.has_changed_profiles or processed.has_usage),
        ("conversions_due", processed.has_movements),
        ("crm_sync", processed.has_crm_changes),
    ):
        if is_due:
            bells.ring(bell)


def prune_old(**_kwargs: object) -> None:
    retention.tell(log=log, taken={"events": prune.remove_events(wall_now=clock.wall_now())})
