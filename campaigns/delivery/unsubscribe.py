"""The no that comes through a message's own link, and its undoing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from campaigns.consent import opt_out, preferences, settle
from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic, ContactPoint
from campaigns.delivery.models import Message

# What the pages behind a message's unsubscribe link write down.
LINK_SOURCES = ("one_click", "unsubscribe_page")


def is_opted_out(*, message: Message) -> bool:
    """Whether the address this message went to gets no marketing on its channel any more."""
    topic = ConsentTopic.objects.filter(slug=message.gate.topic).first() or ConsentTopic(slug=message.gate.topic)
    return message.point.is_blocked or consent.said(point=message.point, topic=topic) == consent.OPTED_OUT


def unsubscribe(*, message: Message, source: str, evidence: Mapping[str, Any], now: datetime) -> bool:
    """No more marketing on this channel, in force when this returns. Asked again: nothing changes, and False.

    Where the channel was stopped in another way before, this no is kept beside it, so that taking back the other one
    does not take back this one. Of noes through links one record is enough, and of somebody erased none is made.
    """
    with transaction.atomic():
        point = settle.lock_points(point_ids=[message.point_id])[0]
        is_new = not point.is_blocked
        last = opt_out.last_no(point=point)
        is_told = last is not None and last.source in LINK_SOURCES
        if is_new or not (is_told or point.reason == ContactPoint.Reason.ERASED):
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
    """Undo what a link took, by the person's own hand, and nothing else. False where marketing stays away for
    something else: a dead address, a no that came in another way, an address that is no longer the contact's."""
    preferences.undo(
        point_id=message.point_id,
        contact_id=message.contact_id,
        taken_by=LINK_SOURCES,
        source=source,
        evidence={**evidence, "message": str(message.uuid)},
        now=now,
    )
    message.point.refresh_from_db()
    return not is_opted_out(message=message)
