"""Calls that a customer asked for: which tasks those are, how one is made, and which of them are over.

Their task hangs on a message that is no call: the one they answered. Where a campaign's call was open already, the wish
is added to it, and its message is marked with when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Least

from campaigns.delivery import csm_task
from campaigns.delivery.models import CsmTask, Message
from campaigns.operations.fields import PgCurrentXactId

# They wait for it: sooner than a call that a campaign thought of.
BUSINESS_DAYS = 1
_READ = 50
MAY_HAVE_COME = (Message.State.ACCEPTED, Message.State.UNKNOWN, Message.State.UNDETERMINED)

# Waits for a campaign that makes a task for the same account right now, as it waits for us.
_STORE = """
INSERT INTO delivery_csmtask (message_id, account_id, contact_id, title, body, state, outcome, note, added_at, due_at)
VALUES (%(message)s, %(account)s, %(contact)s, %(title)s, %(body)s, 'OPEN', '', '', %(now)s, %(due)s)
ON CONFLICT DO NOTHING
RETURNING id
"""

_MARK = """
UPDATE delivery_message SET context = context || jsonb_build_object(%(key)s::text, %(at)s::text)
WHERE id = %(message)s AND NOT context ? %(key)s
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be written of it, in colleagues' words: `line` also where a task is open already."""

    contact_id: int
    account_id: int
    title: str
    line: str
    seen: str
    due_at: datetime


def messages_to_hang_on(*, contact_id: int, account_id: int) -> QuerySet[Message]:
    """Those about the account that no task hangs on, the newest first: to the contact, else to anybody there. Those
    that may have reached somebody before all others."""
    rows = Message.objects.filter(account_id=account_id, csm_task__isnull=True)
    rows = rows.exclude(channel=csm_task.CHANNEL).counted().order_by("-planned_at", "-pk")
    own = rows.filter(contact_id=contact_id)
    for some in (own.filter(state__in=MAY_HAVE_COME), own, rows.filter(state__in=MAY_HAVE_COME)):
        if some.exists():
            return some[:_READ]
    return rows[:_READ]


def make_task(*, wish: Wish, message: Message | None, now: datetime) -> CsmTask | None:
    """In the transaction of the wish. The account's open task, where it has one, says it too, and is due then at the
    latest; its contact is who asked, unless somebody there had asked before. None where there is nothing to hang on."""
    for _turn in range(2):
        added = _add(wish, now)
        if added is not None or message is None:
            return added
        task_id = _store(wish, message, now)
        if task_id is not None:
            return CsmTask.objects.get(pk=task_id)
    return _add(wish, now)


def open_ones() -> QuerySet[CsmTask]:
    return CsmTask.objects.filter(CsmTask.asked_for(), state=CsmTask.State.OPEN).select_related("message")


@transaction.atomic
def call_off(*, tasks: Sequence[CsmTask], now: datetime) -> int:
    """They have answered by themselves: nobody need call. Returns how many were still as they were read: one to which
    another wish was added since stays."""
    read = {task.pk: task.xid for task in tasks}
    rows = CsmTask.objects.filter(pk__in=list(read), state=CsmTask.State.OPEN)
    held = rows.select_for_update().order_by("pk").values_list("pk", "xid")
    same = [pk for pk, xid in held if xid == read[pk]]
    return CsmTask.objects.filter(pk__in=same).update(
        state=CsmTask.State.CANCELLED, closed_at=now, snoozed_until=None, xid=PgCurrentXactId()
    )


def _store(wish: Wish, message: Message, now: datetime) -> int | None:
    params: dict[str, Any] = {
        "message": message.pk,
        "account": wish.account_id,
        "contact": wish.contact_id,
        "title": wish.title[: csm_task.LONGEST_TITLE],
        "body": "\n\n".join(part for part in (wish.line, wish.seen) if part),
        "now": now,
        "due": wish.due_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORE, params)
        row = cursor.fetchone()
        return row[0] if row else None


def _add(wish: Wish, now: datetime) -> CsmTask | None:
    rows = CsmTask.objects.filter(account_id=wish.account_id, state=CsmTask.State.OPEN)
    task = rows.select_for_update(of=("self",)).select_related("message").first()
    if task is None:
        return None
    CsmTask.objects.filter(pk=task.pk).update(
        title=wish.title[: csm_task.LONGEST_TITLE] if task.title == CsmTask.FORGOTTEN else task.title,
        contact_id=task.contact_id if task.is_asked_for else wish.contact_id,
        body="\n\n".join(part for part in (task.body, wish.line) if part),
        due_at=Least(F("due_at"), wish.due_at),
        snoozed_until=None,
        xid=PgCurrentXactId(),
    )
    if not task.is_asked_for:
        with connection.cursor() as cursor:
            cursor.execute(_MARK, {"key": CsmTask.ASKED_AT, "at": now.isoformat(), "message": task.message_id})
    task.refresh_from_db()
    return task
