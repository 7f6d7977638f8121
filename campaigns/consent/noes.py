"""Who said no lately, counted: by channel, by what about, and by the way it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from campaigns.consent.models import ConsentRecord, ContactPoint


@dataclass(frozen=True, slots=True)
class Noes:
    """`topic` is a slug, empty for all marketing of the channel; `people` are counted once in each row."""

    channel: str
    topic: str
    source: str
    people: int


def count_noes(*, since: datetime) -> list[Noes]:
    """Most people first. What is no person's word is not in it: a dead address, a no carried to a new address."""
    counted = _said_since(since).values("channel", "topic", "source").annotate(people=Count("point", distinct=True))
    return [Noes(**row) for row in counted.order_by("-people", "channel", "topic", "source")]


def people_who_said_no(*, since: datetime) -> int:
    """Each once, however often and on however many channels."""
    return _said_since(since).aggregate(people=Count("contact", distinct=True))["people"]


def _said_since(since: datetime) -> QuerySet[ConsentRecord]:
    rows = ConsentRecord.objects.filter(state=ConsentRecord.State.WITHDRAWN, at__gte=since)
    # Without the first half a record that has no reason would compare with nothing, and be left out.
    is_dead = Q(evidence__has_key="reason") & Q(evidence__reason=ContactPoint.Reason.BOUNCED)
    return rows.exclude(is_dead).exclude(evidence__has_key="carried_from")
