from __future__ import annotations

import logging

from campaigns.offers import accept
from orchestrator import clock
from orchestrator.jobs import bells

log = logging.getLogger(__name__)


def finish_accepting(**_kwargs: object) -> None:
    """Half-done upgrades: their caller died, or billing did not answer."""
    ended = accept.finish_accepting(now=clock.utcnow(), wall_now=clock.wall_now())
    if ended:
        log.info("%s acceptances were finished.", ended)
        bells.ring("conversions_due")
