"""Double opt-in: a yes that somebody else reports counts once the person has confirmed it from their own mailbox.

Asked for by topic and country (`ConsentTopic.confirmed_in`). Until then the topic is PENDING on the address: no
marketing goes there. What a person says on a page of their own, reached by a link in a message to them, needs no
second yes; nor does a customer relation (soft opt-in), which is no consent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from campaigns.consent import opt_out
from campaigns.consent.models import ConsentRecord, ContactPoint

SOURCE = "double_opt_in"
# Whoever has not answered by then has answered.
OPEN_FOR = timedelta(days=30)

State = ConsentRecord.State


def confirm(*, record_id: int, evidence: Mapping[str, Any], now: datetime) -> bool:
    """The person's own yes, with what they were shown. Again it changes nothing; True while the yes stands.

    False, and nothing changes, where the question is over: it is too old, the person has said no since, or the
    address is dead.
    """
    with transaction.atomic():
        asked = ConsentRecord.objects.select_related("point").filter(pk=record_id, state=State.PENDING).first()
        if asked is None:
            return False
        point = ContactPoint.objects.select_for_update(no_key=True).get(pk=asked.point_id)
        if standing(point=point, asked=asked, now=now) != State.PENDING:
            return not point.is_blocked and point.topics.get(asked.topic) == State.GRANTED
        told = {**evidence, "asked": asked.pk, "reported_by": asked.source, "reported_at": asked.at.isoformat()}
        return opt_out.opt_in(point_id=point.pk, topic=asked.topic, source=SOURCE, evidence=told, at=now, now=now)


def standing(*, point: ContactPoint, asked: ConsentRecord, now: datetime) -> str:
    """What holds for the topic: GRANTED, PENDING (it may be confirmed), or WITHDRAWN for whatever closed it."""
    said = str(point.topics.get(asked.topic, ""))
    if point.is_blocked or said == State.WITHDRAWN or now - asked.recorded_at > OPEN_FOR:
        return State.WITHDRAWN
    return said or State.WITHDRAWN
