"""What was written to a person, and what they and the providers said about it, emptied. The ledger still sums."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from campaigns.delivery import csm_task, plan
from campaigns.delivery.models import CsmTask, DeliveryAttempt, InAppMessage, Message
from campaigns.operations.fields import PgCurrentXactId
from campaigns.profiles.forget import Person

_REPORTS = """
UPDATE delivery_providerevent SET reason = '', url = ''
WHERE (message = ANY(%(uuids)s) OR address_hash = ANY(%(hashes)s)) AND (reason <> '' OR url <> '')
"""


def forget(*, person: Person, now: datetime) -> None:
    messages = Message.objects.filter(contact_id=person.contact_id)
    # In id order, as every send locks them.
    list(messages.select_for_update().order_by("pk").values_list("pk", flat=True))
    waiting = messages.open().values_list("pk", flat=True)
    plan.skip_messages(message_ids=list(waiting), reason=Message.Reason.SUPPRESSED, now=now)
    messages.exclude(context={}).update(context={})
    DeliveryAttempt.objects.filter(message__contact_id=person.contact_id).exclude(detail="").update(detail="")
    shown = InAppMessage.objects.filter(contact_id=person.contact_id)
    shown.filter(dismissed_at__isnull=True).update(dismissed_at=now)
    shown.update(html="")
    tasks = CsmTask.objects.filter(contact_id=person.contact_id)
    tasks.filter(state=CsmTask.State.OPEN).update(state=CsmTask.State.CANCELLED, closed_at=now, xid=PgCurrentXactId())
    # Also a call to another: a campaign made it about this person, before that one asked for it.
    theirs = Q(message__contact_id=person.contact_id, message__channel=csm_task.CHANNEL)
    about = CsmTask.objects.filter(Q(contact_id=person.contact_id) | theirs)
    told = about.filter(~Q(title="–") | ~Q(body="") | ~Q(note="")).values_list("pk", flat=True)
    CsmTask.objects.filter(pk__in=list(told)).update(title="–", body="", note="")
    with connection.cursor() as cursor:
        params: dict[str, Any] = {"uuids": list(messages.values_list("uuid", flat=True)), "hashes": list(person.hashes)}
        cursor.execute(_REPORTS, params)
