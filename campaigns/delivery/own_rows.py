"""Channels whose delivery is a row of our own: nobody is called, whatever adapter they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from campaigns.consent.models import ConsentTopic
from campaigns.delivery import apart, csm_task, in_app
from campaigns.delivery.render import Outgoing
from orchestrator import clock

_DELIVER = {"in_app": in_app.deliver, csm_task.CHANNEL: csm_task.deliver}
CHANNELS = frozenset(_DELIVER)
SLICE = 200


def deliver(
    *, channel: str, outgoing: Sequence[Outgoing], topics: Mapping[str, ConsentTopic], now: datetime
) -> Counter[str]:
    """Counts by what became of them."""

    def act(part: Sequence[Outgoing], is_rehearsal: bool) -> Counter[str]:
        wall_now = clock.wall_now()
        return _DELIVER[channel](outgoing=part, topics=topics, now=now, wall_now=wall_now, is_rehearsal=is_rehearsal)

    return apart.together(outgoing, act=act, held_of=lambda one: one.held, now=now) or Counter()
