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

    def act(part: Sequence[Outgoing]) -> Counter[str]:
        return _DELIVER[channel](outgoing=part, topics=topics, now=now, wall_now=clock.wall_now())

    done: Counter[str] = Counter()
    for counted in apart.by_halves(
        outgoing, halve=apart.halves_of, act=act, held_of=lambda part: [one.held for one in part], now=now
    ):
        done += counted
    return done
