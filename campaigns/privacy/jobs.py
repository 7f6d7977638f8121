from __future__ import annotations

import logging

from campaigns.privacy import erase
from orchestrator import clock
from orchestrator.jobs import bells

log = logging.getLogger(__name__)


def erase_marked(**_kwargs: object) -> None:
    """Erase here whom another system has erased."""
    erased = erase.erase_marked(now=clock.utcnow())
    if erased:
        log.info("contacts erased", extra={"contacts": erased})
    if erased >= erase.LIMIT:
        bells.ring("erasures_due")
