"""What a customer success manager does with a task: take it, put it off, close it. Each is one conditional change:
of two people who close a task at once the second is told that it was closed. What the CRM is to hear of renews the
row's `xid`: `conversions.tell` pulls by it. What a customer asked for no campaign calls off (`asked_task`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Least

from campaigns.delivery import csm_task
from campaigns.delivery.models import CsmTask, Message
from campaigns.operations.fields import PgCurrentXactId

# Somebody there answered: for branches and segments that is a reply to the message.
_ANSWERED = (CsmTask.Outcome.INTERESTED, CsmTask.Outcome.NOT_NOW)
LONGEST_NOTE = 2000

_REFUSED = f"""
SELECT task.message_id
FROM delivery_csmtask task
JOIN delivery_message message ON message.id = task.message_id AND message.purpose = 'MARKETING'
JOIN delivery_sendgate gate ON gate.id = message.gate_id
JOIN consent_contactpoint point ON point.id = message.point_id
WHERE task.state = 'OPEN' AND (point.is_blocked OR point.topics ->> gate.topic = 'WITHDRAWN')
    AND message.channel = '{csm_task.CHANNEL}' AND NOT message.context ? '{CsmTask.ASKED_AT}'
"""  # noqa: S608  (the parts are constants)


class TaskClosedError(Exception):
    """The task is not open any more; nothing was changed."""


@transaction.atomic
def close_task(*, task: CsmTask, outcome: str, note: str = "", by_id: int | None, now: datetime) -> None:
    """Done, with what came of it. Raises TaskClosedError, and ValueError for an outcome that is none.

    A no is more than a closed task: `offers.call.record_call` closes it and writes the refusal.
    """
    said = CsmTask.Outcome(outcome)
    _change(
        task,
        state=CsmTask.State.DONE,
        outcome=said,
        note=note.strip()[:LONGEST_NOTE],
        closed_at=now,
        closed_by_id=by_id,
        snoozed_until=None,
        xid=PgCurrentXactId(),
    )
    if said in _ANSWERED:
        # Of a call that they asked for, the message is a mail or a banner: that they did not answer on the phone.
        calls = Message.objects.filter(pk=task.message_id, channel=csm_task.CHANNEL)
        calls.update(replied_at=Least(F("replied_at"), now))


def snooze_task(*, task: CsmTask, until: datetime, now: datetime) -> None:
    """Out of the queue until then, and due then at the earliest. Raises TaskClosedError, ValueError for the past."""
    if until <= now:
        raise ValueError("A task is put off to a later time.")
    _change(task, snoozed_until=until, due_at=max(task.due_at, until), xid=PgCurrentXactId())


def assign_task(*, task: CsmTask, to_id: int | None) -> None:
    """To somebody, or (None) to nobody again. Raises TaskClosedError."""
    _change(task, assigned_to_id=to_id)


@transaction.atomic
def call_off_tasks(*, message_ids: Sequence[int], now: datetime) -> int:
    """Of these messages, those still open: their reason is gone. Returns how many.

    Not where the customer asked for the call: that reason is theirs, and outlives a campaign and a no to its messages.
    """
    rows = CsmTask.objects.filter(message_id__in=message_ids, state=CsmTask.State.OPEN)
    # Whether somebody asked is looked at once nobody can add that they did.
    held = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    asked = set(CsmTask.objects.filter(CsmTask.asked_for(), pk__in=held).values_list("pk", flat=True)) if held else ()
    return CsmTask.objects.filter(pk__in=[pk for pk in held if pk not in asked]).update(
        state=CsmTask.State.CANCELLED, closed_at=now, snoozed_until=None, xid=PgCurrentXactId()
    )


def call_off_refused(*, now: datetime) -> int:
    """Open tasks about people who have said no to calls since, whether to everything or to the topic: nobody may
    call them any more, unless they asked for it. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED)
        refused = [message_id for (message_id,) in cursor.fetchall()]
    return call_off_tasks(message_ids=refused, now=now) if refused else 0


def _change(task: CsmTask, **values: Any) -> None:
    if not CsmTask.objects.filter(pk=task.pk, state=CsmTask.State.OPEN).update(**values):
        raise TaskClosedError(f"The task {task.pk} is closed.")
    task.refresh_from_db()
