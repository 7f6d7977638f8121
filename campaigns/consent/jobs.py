from __future__ import annotations

import logging

from django.conf import settings

from campaigns.consent import compare, prune, push
from campaigns.operations import retention
from orchestrator import clock
from orchestrator.channels.contract import ChannelError
from orchestrator.jobs import bells

log = logging.getLogger(__name__)


def push_opt_outs(**_kwargs: object) -> None:
    """Tell the providers' own lists who opted out, and who came back."""
    pushed = push.push_due(now=clock.utcnow(), wall_now=clock.wall_now())
    if pushed.failed:
        log.error("%s entries on providers' lists were given up: see them in the admin site.", pushed.failed)


def compare_lists(**_kwargs: object) -> None:
    """Both directions, every provider whose list can be read."""
    for channel in settings.SUPPRESSION_LISTS:
        try:
            compared = compare.compare_lists(channel=channel, now=clock.utcnow())
        except ChannelError as error:
            log.error("The %s provider's list could not be read: %s", channel, error.detail)
            continue
        if compared is not None:
            counts = {name: getattr(compared, name) for name in ("read", "taken", "told_again", "removed")}
            log.info("lists compared", extra={"channel": channel, **counts})
    bells.ring("opt_outs_due")


def prune_old(**_kwargs: object) -> None:
    retention.tell(log=log, taken={"replies": prune.empty_replies(now=clock.utcnow())})
