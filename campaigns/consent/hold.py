"""A reply that may be a no counts as one on its channel, until a person has read it or its writer says more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from campaigns.consent import settle as rows
from campaigns.consent.models import ContactPoint, DoubtfulReply

State = DoubtfulReply.State
# As much as anybody needs to read to decide.
LONGEST = 2_000


def hold(*, point_id: int, message: UUID | None, text: str, rule: str, source: str, at: datetime) -> bool:
    """Keep the words and hold the address, in force when this commits. False, and nothing is kept, where the address
    gets no marketing anyway."""
    with transaction.atomic():
        point = rows.lock_points(point_ids=[point_id])[0]
        if point.is_blocked:
            return False
        DoubtfulReply.objects.create(
            point=point,
            contact_id=point.contact_id,
            message=message,
            text=text.replace("\x00", "")[:LONGEST],
            rule=rule[:60],
            source=source,
            at=at,
        )
        ContactPoint.objects.filter(pk=point.pk).update(is_held=True, revision=F("revision") + 1)
    return True


def settle(*, points: Sequence[ContactPoint], now: datetime) -> None:
    """On locked points: the person has said plainly what they want, so that nobody has to guess any more."""
    held = [point for point in points if point.is_held]
    if not held:
        return
    DoubtfulReply.objects.filter(point__in=held, state=State.OPEN).update(state=State.SETTLED, decided_at=now)
    for point in held:
        point.is_held = False
    ContactPoint.objects.bulk_update(held, ["is_held"])
