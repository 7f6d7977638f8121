"""A task for a customer success manager as a channel. The row is the delivery: written exactly once, in the
transaction that decides on the message. An account has one open task at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from campaigns.consent.models import ConsentTopic
from campaigns.delivery import begin, budget, decided
from campaigns.delivery.decided import SENDING, Verdict
from campaigns.delivery.models import CsmTask, Message
from campaigns.delivery.render import Outgoing

CHANNEL = "csm_task"
# A call is worth making while the reason for it is fresh.
BUSINESS_DAYS = 2
LONGEST_TITLE = 300
_SUNDAY_COUNTRIES = frozenset({"Asia/Jerusalem", "Asia/Tel_Aviv", "Israel"})
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6

# Another worker that makes a task for the same account holds this one back until it has committed.
_STORE = """
INSERT INTO delivery_csmtask (message_id, account_id, contact_id, title, body, state, outcome, note, added_at, due_at)
SELECT message_id, account_id, contact_id, title, body, 'OPEN', '', '', %(now)s, due_at
FROM unnest(%(messages)s::bigint[], %(accounts)s::bigint[], %(contacts)s::bigint[], %(titles)s::text[],
    %(bodies)s::text[], %(due)s::timestamptz[]) AS wanted(message_id, account_id, contact_id, title, body, due_at)
ORDER BY message_id
ON CONFLICT DO NOTHING
RETURNING message_id
"""

_ATTEMPTS = """
INSERT INTO delivery_deliveryattempt (message_id, number, started_at, ended_at, outcome, code, detail)
SELECT id, attempt, %(wall_now)s, %(wall_now)s, 'ACCEPTED', '', ''
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[]) AS begun(id, attempt)
"""


def deliver(
    *,
    outgoing: Sequence[Outgoing],
    topics: Mapping[str, ConsentTopic],
    now: datetime,
    wall_now: datetime,
    is_rehearsal: bool = False,
) -> Counter[str]:
    """Decide as for every message, and put the tasks into the queue in the same transaction."""
    held = [one.held for one in outgoing]
    with transaction.atomic(durable=True):
        verdicts = begin.decide(held=held, topics=topics, now=now, wall_now=wall_now)
        wanted = [one for one in outgoing if verdicts.get(one.held.id) == SENDING]
        made = _store(wanted, now)
        settled = {message_id: _settled(message_id, verdict, made) for message_id, verdict in verdicts.items()}
        decided.write(held=held, verdicts=settled, now=now, wall_now=wall_now)
        _write_delivery([one for one in wanted if one.held.id in made], now, wall_now)
        _give_back([one for one in wanted if one.held.id not in made])
        if is_rehearsal:
            decided.take_back()
    return Counter(str(verdict.state) for verdict in settled.values())


def accounts_with_open_task(*, account_ids: Collection[int]) -> set[int]:
    rows = CsmTask.objects.filter(account_id__any=account_ids, state=CsmTask.State.OPEN)
    return set(rows.values_list("account_id", flat=True))


def due_after(*, at: datetime, zone: str, days: int = BUSINESS_DAYS) -> datetime:
    """The same time of day in the zone, so many working days later. Where Sunday is a working day, Friday is none."""
    weekend = {_FRIDAY, _SATURDAY} if zone in _SUNDAY_COUNTRIES else {_SATURDAY, _SUNDAY}
    local = at.astimezone(ZoneInfo(zone))
    left = days
    while left:
        local += timedelta(days=1)
        left -= local.weekday() not in weekend
    return local.astimezone(at.tzinfo)


def _settled(message_id: int, verdict: Verdict, made: Collection[int]) -> Verdict:
    if verdict != SENDING:
        return verdict
    if message_id in made:
        return Verdict(Message.State.ACCEPTED)
    return Verdict(Message.State.SKIPPED, reason=Message.Reason.CSM_TASK_OPEN)


def _store(wanted: Sequence[Outgoing], now: datetime) -> set[int]:
    """Ids of the messages whose task is in the queue; the others' accounts had one already."""
    about = [one for one in wanted if one.held.account_id is not None]
    if not about:
        return set()
    params: dict[str, Any] = {
        "messages": [one.held.id for one in about],
        "accounts": [one.held.account_id for one in about],
        "contacts": [one.held.contact_id for one in about],
        "titles": [_title(one) for one in about],
        "bodies": [one.message.text for one in about],
        "due": [due_after(at=now, zone=one.held.zone) for one in about],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORE, params)
        return {row[0] for row in cursor.fetchall()}


def _title(one: Outgoing) -> str:
    lines = one.message.text.strip().splitlines()
    return (one.message.subject or (lines[0] if lines else "") or one.held.account.get("name", ""))[:LONGEST_TITLE]


def _write_delivery(made: Sequence[Outgoing], now: datetime, wall_now: datetime) -> None:
    if not made:
        return
    ids = [one.held.id for one in made]
    with connection.cursor() as cursor:
        attempts = [one.held.attempt for one in made]
        cursor.execute(_ATTEMPTS, {"ids": ids, "attempts": attempts, "wall_now": wall_now})
    Message.objects.filter(pk__in=ids).update(delivered_at=now)


def _give_back(left: Sequence[Outgoing]) -> None:
    if left:
        budget.give_back(
            message_ids=[one.held.id for one in left],
            account_ids=[one.held.account_id for one in left if one.held.account_id is not None],
            contact_ids=[one.held.contact_id for one in left],
        )
