"""What was written to a person, and what they and the providers said about it, emptied. The ledger still sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from campaigns.delivery import csm_task, plan
from campaigns.delivery.models import CsmTask, DeliveryAttempt, InAppMessage, Message
from campaigns.operations.fields import PgCurrentXactId
from campaigns.profiles.forget import Person

_REPORTS = """
UPDATE delivery_providerevent SET reason = '', url = ''
WHERE (message = ANY(%(uuids)s) OR address_hash = ANY(%(hashes)s)) AND (reason <> '' OR url <> '')
"""

# That somebody asked to be called is nothing about the person: another there may have.
_MARK_ALONE = RawSQL(
    "CASE WHEN context ? %s THEN jsonb_build_object(%s::text, context -> %s) ELSE '{}'::jsonb END",
    [CsmTask.ASKED_AT] * 3,
)


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that went with somebody, or all that was said about it. Others in the account may have asked for it, too,
    `since` then."""

    account_id: int
    since: datetime


def forget(*, person: Person, now: datetime) -> list[OpenCall]:
    """Returns the calls of `OpenCall`."""
    messages = Message.objects.filter(contact_id=person.contact_id)
    # In id order, as every send locks them.
    list(messages.select_for_update().order_by("pk").values_list("pk", flat=True))
    waiting = messages.open().values_list("pk", flat=True)
    plan.skip_messages(message_ids=list(waiting), reason=Message.Reason.SUPPRESSED, now=now)
    # Also a call to another: a campaign made it about this person, before that one asked for it.
    theirs = Q(message__contact_id=person.contact_id, message__channel=csm_task.CHANNEL)
    about = CsmTask.objects.filter(Q(contact_id=person.contact_id) | theirs)
    held = about.filter(state=CsmTask.State.OPEN).select_for_update(of=("self",)).order_by("pk")
    calls = [OpenCall(task.account_id, task.asked_at) for task in held.select_related("message")]
    messages.exclude(context={}).update(context=_MARK_ALONE)
    DeliveryAttempt.objects.filter(message__contact_id=person.contact_id).exclude(detail="").update(detail="")
    shown = InAppMessage.objects.filter(contact_id=person.contact_id)
    shown.filter(dismissed_at__isnull=True).update(dismissed_at=now)
    shown.update(html="")
    tasks = CsmTask.objects.filter(contact_id=person.contact_id)
    tasks.filter(state=CsmTask.State.OPEN).update(state=CsmTask.State.CANCELLED, closed_at=now, xid=PgCurrentXactId())
    told = about.filter(~Q(title=CsmTask.FORGOTTEN) | ~Q(body="") | ~Q(note="")).values_list("pk", flat=True)
    CsmTask.objects.filter(pk__in=list(told)).update(title=CsmTask.FORGOTTEN, body="", note="")
    with connection.cursor() as cursor:
        params: dict[str, Any] = {"uuids": list(messages.values_list("uuid", flat=True)), "hashes": list(person.hashes)}
        cursor.execute(_REPORTS, params)
    return calls
