"""What fails together is tried apart, and in the end alone: one message that can't be made or begun stops no other."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from campaigns.delivery import arbitration, begin, claim, evidence
from campaigns.delivery.claim import Held
from campaigns.operations import blame
from orchestrator import clock

log = logging.getLogger(__name__)

# How long what failed is tried apart, and how many failures one after the other say that nothing will go.
APART_S, IN_A_ROW = 3.0, 60
# What is written on the attempt of one that failed alone, beside the kind of error.
FAULT = "fault"
# Once more at first, later twice as long, up to an hour; beyond the time in which others may lose to it.
_SOONEST, _LATEST = timedelta(minutes=5), timedelta(hours=1)

# What cannot arrive any more has ended: what follows it need not wait.
_PUT_OFF = """
WITH put_off AS (
    UPDATE delivery_message
    SET state = CASE WHEN is_over THEN 'EXPIRED' ELSE 'READY' END, lease_until = NULL, claimed_by = '',
        ended_at = CASE WHEN is_over THEN %(now)s::timestamptz END,
        next_at = CASE WHEN is_over THEN NULL ELSE %(next)s::timestamptz END
    FROM (
        SELECT id AS held, send_by IS NOT NULL AND send_by < %(now)s AND NOT %(proven)s AS is_over
        FROM delivery_message WHERE id = %(id)s
    ) AS known
    WHERE id = known.held AND attempt = %(attempt)s AND state = 'CLAIMED'
    RETURNING id
)
INSERT INTO delivery_deliveryattempt (message_id, number, started_at, ended_at, outcome, code, detail)
SELECT id, %(attempt)s, %(wall_now)s, %(wall_now)s, 'BUSY', %(code)s, %(detail)s FROM put_off
"""


def by_halves[Part, Done](
    whole: Part,
    *,
    halve: Callable[[Part], Sequence[Part]],
    act: Callable[[Part], Done],
    held_of: Callable[[Part], Sequence[Held]],
    now: datetime,
) -> Iterator[Done]:
    """What `act` answered for the whole; where that fails, for the parts it could do, each to its end before the next.

    A message that fails alone is put off; when the time is over, or nothing goes, the rest is left for later. Raises
    what is no fault of the messages, and what the caller raises between two parts: by then something may have gone.
    """
    until = time.monotonic() + APART_S
    waiting, failures, is_settled = [whole], 0, False
    # Somebody is settled first, however long one try takes.
    while waiting and not (is_settled and failures and (failures >= IN_A_ROW or time.monotonic() > until)):
        part = waiting.pop()
        try:
            done = act(part)
        except Exception as error:
            if not blame.is_theirs(error):
                raise
            failures += 1
            halves = halve(part)
            waiting += reversed(halves)
            if not halves:
                is_settled = True
                [one] = held_of(part)
                _put_off(one, error, now, clock.wall_now())
        else:
            failures, is_settled = 0, True
            yield done
    for part in waiting:
        claim.release(held=held_of(part), next_at=clock.wall_now() + begin.HOLD)


def halves_of[Item](part: Sequence[Item]) -> list[Sequence[Item]]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]] if middle else []


def _put_off(one: Held, error: Exception, now: datetime, wall_now: datetime) -> None:
    """It failed alone, by a fault that may be ours: it is tried again by and by, until its deadline. Nothing of it has
    left, and it has taken nothing of anybody's attention."""
    log.error("A message could not be made or begun: %s.", blame.describe(error), extra={"message_uuid": str(one.uuid)})
    pause = min(_SOONEST * 2 ** min(one.attempt - 1, 4), _LATEST)
    params: dict[str, Any] = {
        "id": one.id,
        "attempt": one.attempt,
        "now": now,
        "wall_now": wall_now,
        "next": wall_now + arbitration.window() + pause,
        "proven": bool(evidence.proven_ids(message_ids=[one.id] if one.attempt > 1 else [])),
        "code": FAULT,
        "detail": f"Not sent, by a fault of our own ({type(error).__name__}). It is tried again.",
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PUT_OFF, params)
