from __future__ import annotations

import logging

from campaigns.operations import retention
from campaigns.sequences import advance as advancing
from campaigns.sequences import enrol as enrolling
from campaigns.sequences import enrol_events, prune, replan, wake
from orchestrator import clock
from orchestrator.jobs import bells

log = logging.getLogger(__name__)


def enrol(**_kwargs: object) -> None:
    """Take in those who came into the audiences of live campaigns, or to whom what brings them in happened."""
    now = clock.utcnow()
    counts = enrolling.enrol_due(now=now)
    counts.add(enrol_events.enrol_happened(now=now))
    if counts.enrolled:
        log.info("%s accounts were enrolled, %s held out.", counts.enrolled, counts.holdout)
        bells.ring("messages_due")


def advance(**_kwargs: object) -> None:
    """Move whose time has come, and end who is through."""
    now = clock.utcnow()
    wake.wake_concerned(now=now)
    replanned = replan.plan_anew(now=now)
    advanced = advancing.advance_due(now=now)
    wake.complete_finished(now=now)
    if replanned or advanced.planned:
        bells.ring("messages_due")


def prune_old(**_kwargs: object) -> None:
    now = clock.utcnow()
    retention.tell(
        log=log, taken={"messages": prune.remove_messages(now=now), "changes": prune.remove_changes(now=now)}
    )
