"""Points under their lock, and which of their records stands for a topic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import Case, DateTimeField, F, When
from django.db.models.functions import Least

from campaigns.consent.models import ConsentRecord, ContactPoint


def position() -> Case:
    """By what records are put in order, the newest last.

    What somebody else reports counts from when it was said, but not from a day that had not come when we learned of
    it. A no that the person told us counts from when we learned of it: nothing that we knew before outlives it.
    """
    told_us = When(state=ConsentRecord.State.WITHDRAWN, evidence__has_key="reason", then=F("recorded_at"))
    return Case(told_us, default=Least("at", "recorded_at"), output_field=DateTimeField())


def lock_points(*, point_ids: Iterable[int]) -> list[ContactPoint]:
    """The rows under an exclusive lock, taken in id order: a send in progress ends first, the next one waits."""
    return list(ContactPoint.objects.select_for_update(no_key=True).filter(pk__in=set(point_ids)).order_by("pk"))


def settle_topics(*, points: Sequence[ContactPoint]) -> None:
    """Set the topics of locked points to what their newest records say, and count the change."""
    newest: dict[int, dict[str, str]] = defaultdict(dict)
    records = ConsentRecord.objects.filter(point__in=points).exclude(topic="")
    # GRANTED, PENDING, WITHDRAWN sort in this order: of two at the same time it is read last and stands.
    for record in records.order_by(position(), "state", "pk").only("point_id", "topic", "state"):
        newest[record.point_id][record.topic] = record.state
    for point in points:
        point.topics = newest[point.pk]
        point.revision += 1
    ContactPoint.objects.bulk_update(points, ["topics", "revision"])
