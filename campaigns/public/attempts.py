"""A contact tried a feature that the plan does not have: said by the host application, kept as usage."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from redis.exceptions import RedisError

from campaigns.intake import store, tracking
from campaigns.intake.moments import Receipt
from campaigns.public.identity import Identity
from orchestrator.jobs import queues

EVENT = "premium_feature_attempted"
FEATURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,59}")
# A person presses a button some times; beyond that it is a script, and its attempts mean nothing.
MOST_PER_HOUR = 30
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Attempt:
    """`event_id` is the host application's: the same one again changes nothing. `at` is business time."""

    event_id: str
    feature: str
    at: datetime


def record_attempts(*, who: Identity, attempts: Sequence[Attempt], receipt: Receipt) -> int:
    """Store them as tracked events of the contact and the account of the token; returns how many were taken.

    Ring `usage_stored` afterwards. At most 30 an hour (wall time) of one contact are taken.
    """
    taken = attempts[: _room_for(contact_id=who.contact.pk, wanted=len(attempts), wall=receipt.wall)]
    items = [tracking.read_item(item=_item(who, one), receipt=receipt) for one in taken]
    if items:
        store.store_items(source=who.source, items=items, bad=[], receipt=receipt)
    return len(items)


def _item(who: Identity, attempt: Attempt) -> dict[str, object]:
    named = attempt.event_id or sha256(json.dumps([attempt.feature, attempt.at.isoformat()]).encode()).hexdigest()
    return {
        "type": "track",
        "event": EVENT,
        "messageId": f"gate:{who.contact.pk}:{named}",
        "userId": who.contact.external_id,
        "timestamp": attempt.at.isoformat(),
        "properties": {"feature": attempt.feature},
        "context": {"groupId": who.account} if who.account else {},
    }


def _room_for(*, contact_id: int, wanted: int, wall: datetime) -> int:
    """Without Redis all of them: an attempt that is lost would cost an offer at the right moment."""
    key = f"crescendo:gate:{contact_id}:{int(wall.timestamp()) // _HOUR_S}"
    try:
        with queues.connection().pipeline() as pipeline:
            pipeline.incrby(key, wanted)
            pipeline.expire(key, _HOUR_S)
            counted = int(pipeline.execute()[0])
    except (RedisError, OSError):
        return wanted
    return max(0, min(wanted, MOST_PER_HOUR - (counted - wanted)))
