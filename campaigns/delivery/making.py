"""From a claim to what the channel gets, or why a message is not sent: one that can't be made stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from campaigns.delivery import apart, country_rules, render
from campaigns.delivery.claim import Held
from campaigns.delivery.render import Outgoing
from orchestrator import clock


def make(*, held: Sequence[Held], slot_bytes: int, now: datetime) -> tuple[list[Outgoing], Counter[str]]:
    """Those that may be read where they would be, as `render.render_held` makes them; the others, skipped, are
    counted."""

    def act(part: Sequence[Held], is_rehearsal: bool) -> tuple[list[Outgoing], Counter[str]]:
        readable, barred = country_rules.part(held=part)
        made, failed = render.render_held(held=readable, slot_bytes=slot_bytes)
        if not barred and not failed:
            return made, Counter()
        wall_now = clock.wall_now()
        return made, render.skip_failed(
            failed=[*barred, *failed], now=now, wall_now=wall_now, is_rehearsal=is_rehearsal
        )

    return apart.together(held, act=act, held_of=lambda one: one, now=now) or ([], Counter())
