"""What fails together is tried apart, and in the end alone: one message that can't be made or begun stops no other."""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from campaigns.delivery import arbitration, begin, claim, evidence
from campaigns.delivery.claim import Held
from campaigns.operations import blame
from orchestrator import clock

log = logging.getLogger(__name__)

# How long what failed is tried apart, and how many failures one after the other say that nothing of a kind will go.
APART_S, IN_A_ROW = 3.0, 60
# Once more at first, later twice as long, up to an hour; and once shortly before it is too late.
_SOONEST, _LATEST, _SHORTLY = timedelta(minutes=5), timedelta(hours=1), timedelta(minutes=1)

# What cannot arrive any more has ended: what follows it need not wait.
_PUT_OFF = """
WITH put_off AS (
    UPDATE delivery_message
    SET state = CASE WHEN is_over THEN 'EXPIRED' ELSE 'READY' END, lease_until = NULL, claimed_by = '',
        ended_at = CASE WHEN is_over THEN %(now)s::timestamptz END,
        next_at = CASE WHEN NOT is_over THEN %(wall_now)s::timestamptz
            + GREATEST(LEAST(
                %(pause)s::interval, CASE WHEN send_by > %(now)s THEN send_by - %(now)s - %(shortly)s END
            ), %(shortly)s) END
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


@dataclass(slots=True)
class _Line[Item]:
    """What is left of a kind, the next part last."""

    waiting: list[Sequence[Item]]
    failures: int = 0


def together[Item, Done](
    items: Sequence[Item],
    *,
    act: Callable[[Sequence[Item], bool], Done],
    held_of: Callable[[Item], Held],
    now: datetime,
) -> Done | None:
    """What `act` answered for all of them at once; where that fails, for those that could be done in a rehearsal
    (`act(part, True)`, which keeps nothing of what it does). None: for nobody.

    Who fails alone is put off before the others are decided on, so that nobody stands back for it. Where each part goes
    and all of them do not, the largest does. Raises what is no fault of the messages.
    """
    if (done := _try(items, act)) is not None:
        return done
    able = sorted(_rehearse(items, act, held_of, now), key=len, reverse=True)
    ids = {held_of(one).id for part in able for one in part}
    if not able or (done := _try([one for one in items if held_of(one).id in ids], act)) is not None:
        return done
    _put_back(able[1:], held_of)
    return act(able[0], False)


def _try[Item, Done](items: Sequence[Item], act: Callable[[Sequence[Item], bool], Done]) -> Done | None:
    """None: it failed, by a fault of theirs."""
    try:
        return act(items, False)
    except Exception as error:
        if not blame.is_theirs(error):
            raise
        log.error("%s messages failed together: %s. They are tried apart.", len(items), blame.describe(error))
        return None


def _rehearse[Item, Done](
    items: Sequence[Item],
    act: Callable[[Sequence[Item], bool], Done],
    held_of: Callable[[Item], Held],
    now: datetime,
) -> list[Sequence[Item]]:
    """The parts it could be done for: by campaign and wording, in turn, then by halves. When the time is over,
    or of its kind nothing goes, what is left is put back; but somebody is settled first, however long one try takes."""
    until = time.monotonic() + APART_S
    lines = deque(_Line([kind]) for kind in _by_kind(items, held_of))
    # None is always the one that waits behind the others.
    random.shuffle(lines)
    able: list[Sequence[Item]] = []
    is_settled = False
    while lines and not (is_settled and time.monotonic() > until):
        line = lines.popleft()
        part = line.waiting.pop()
        try:
            act(part, True)
        except Exception as error:
            if not blame.is_theirs(error):
                raise
            line.failures += 1
            middle = len(part) // 2
            if middle:
                line.waiting += [part[middle:], part[:middle]]
            else:
                is_settled = True
                _put_off(held_of(part[0]), error, now, clock.wall_now())
        else:
            line.failures, is_settled = 0, True
            able.append(part)
        if line.failures >= IN_A_ROW:
            _put_back(line.waiting, held_of)
        elif line.waiting and time.monotonic() < until:
            lines.append(line)
        elif line.waiting:
            # Others' turn would put off that somebody is settled.
            lines.appendleft(line)
    for line in lines:
        _put_back(line.waiting, held_of)
    return able


def _by_kind[Item](items: Sequence[Item], held_of: Callable[[Item], Held]) -> list[list[Item]]:
    kinds: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        held = held_of(item)
        kinds[held.gate_id, held.template_version_id, held.locale].append(item)
    return list(kinds.values())


def _put_back[Item](parts: Sequence[Sequence[Item]], held_of: Callable[[Item], Held]) -> None:
    left = [held_of(one) for part in parts for one in part]
    claim.release(held=left, next_at=clock.wall_now() + begin.HOLD)


def _put_off(one: Held, error: Exception, now: datetime, wall_now: datetime) -> None:
    """It failed alone, by a fault that may be ours: it is tried again by and by, until its deadline. Nothing of it has
    left, and it has taken nothing of anybody's attention."""
    log.error("A message could not be made or begun: %s.", blame.describe(error), extra={"message_uuid": str(one.uuid)})
    params: dict[str, Any] = {
        "id": one.id,
        "attempt": one.attempt,
        "now": now,
        "wall_now": wall_now,
        "pause": min(_SOONEST * 2 ** min(one.attempt - 1, 4), _LATEST),
        "shortly": _SHORTLY,
        "proven": bool(evidence.proven_ids(message_ids=[one.id] if one.attempt > 1 else [])),
        "code": arbitration.FAULT,
        "detail": f"Not sent, by a fault of our own ({type(error).__name__}). It is tried again.",
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PUT_OFF, params)
