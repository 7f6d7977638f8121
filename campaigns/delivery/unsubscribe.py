"""The no that comes through a message's own link, and its undoing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from campaigns.consent import opt_out, record
from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic
from campaigns.delivery.models import Message


def is_opted_out(*, message: Message) -> bool:
    """Whether the address this message went to gets no marketing on its channel any more."""
    topic = ConsentTopic.objects.filter(slug=message.gate.topic).first() or ConsentTopic(slug=message.gate.topic)
    return message.point.is_blocked or consent.permission(point=message.point, topic=topic) == consent.OPTED_OUT


def unsubscribe(*, message: Message, source: str, evidence: Mapping[str, Any], now: datetime) -> bool:
    """No more marketing on this channel, in force when this returns. Asked again: nothing changes, and False."""
    with transaction.atomic():
        point = record.lock_points(point_ids=[message.point_id])[0]
        is_new = not point.is_blocked
        if is_new:
            opt_out.opt_out(
                point_id=point.pk,
                source=source,
                evidence={**evidence, "message": str(message.uuid), "campaign": message.origin_campaign},
                at=now,
                now=now,
            )
    mark_cost(message=message, now=now)
    return is_new


def mark_cost(*, message: Message, now: datetime) -> None:
    """That the message cost its subscriber, for the campaign's figures.

    Call it after the opt-out's commit: a send holds its message while it waits for the point, never the other way
    round.
    """
    Message.objects.filter(pk=message.pk).update(unsubscribed_at=Least(F("unsubscribed_at"), now))


def resubscribe(*, message: Message, source: str, evidence: Mapping[str, Any], now: datetime) -> bool:
    """Undo, by the person's own hand. False where the address is dead."""
    return opt_out.opt_in(
        point_id=message.point_id,
        topic=message.gate.topic,
        source=source,
        evidence={**evidence, "message": str(message.uuid)},
        at=now,
        now=now,
    )
