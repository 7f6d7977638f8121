from __future__ import annotations

import logging

from campaigns.conversions import find, recompute, sweep, tell
from campaigns.offers import asked_call
from orchestrator import clock
from orchestrator.jobs import bells

log = logging.getLogger(__name__)


def find_conversions(**_kwargs: object) -> None:
    """Upgrades, refusals, opt-outs and calls since the last time, and what the CRM is to hear of them."""
    now = clock.utcnow()
    for one in recompute.recompute_changed(now=now):
        log.info("The goal of %s was changed: %s conversions are gone, %s new.", one.campaign, one.gone, one.found)
    found = find.find_conversions(now=now)
    answered = asked_call.call_off_answered(now=now)
    if answered:
        log.info("%s calls that customers had asked for were called off: they have answered.", answered)
    told = tell.tell_refusals(now=now) + tell.tell_opt_outs(now=now) + tell.tell_tasks(now=now)
    if found.conversions or told:
        log.info("%s conversions were found.", found.conversions)
        bells.ring("writebacks_due")


def sweep_conversions(**_kwargs: object) -> None:
    if sweep.sweep_conversions(now=clock.utcnow()):
        bells.ring("writebacks_due")
