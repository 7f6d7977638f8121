"""A refusal that is about the address: what a provider's answer to a send tells consent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from campaigns.consent import opt_out
from campaigns.delivery import feedback
from campaigns.delivery.claim import Held
from campaigns.delivery.finish import Answer


def note_refusals(*, answers: Sequence[Answer], held: Sequence[Held], now: datetime) -> int:
    """Block the addresses that providers refused for good; returns how many. The same answer again changes nothing.

    In a transaction of its own, before the messages are written back: a send that begins holds its message while
    it waits for the point, never the other way round.
    """
    by_id = {one.id: one for one in held}
    final = [(answer, by_id[answer.message_id]) for answer in answers if answer.reject is not None]
    if not final:
        return 0
    with transaction.atomic():
        opt_out.lock_reached(point_ids=[one.point_id for _, one in final])
        for answer, one in final:
            assert answer.reject is not None, "Only answers about the address are left here."
            opt_out.opt_out(
                point_id=one.point_id,
                reason=feedback.REJECTS[answer.reject],
                source=f"{answer.provider}:{answer.code}",
                evidence={"message": str(one.uuid)},
                at=now,
                now=now,
                dedupe_key=f"refusal:{one.uuid}:{one.attempt}",
            )
    return len(final)
