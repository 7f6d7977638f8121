from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from campaigns.consent import confirmation, points, settle
from campaigns.consent.models import ConsentRecord, ConsentTopic, ContactPoint
from campaigns.profiles.models import Contact


@dataclass(frozen=True, slots=True)
class ConsentItem:
    """One yes or no that another system or an import reports. `at` is when the person said it.

    `dedupe_key` names the report: the same one again changes nothing.
    """

    contact_id: int
    channel: str
    topic: str
    state: str
    basis: str
    source: str
    at: datetime
    evidence: Mapping[str, Any] = field(default_factory=dict)
    dedupe_key: str | None = None


def record_consents(*, items: Sequence[ConsentItem], now: datetime) -> int:
    """Append the evidence and bring the points up to it, in one transaction; returns how many were new.

    The newest `at` decides a topic, whatever order reports come in, and a day to come is now; of two at the same time
    the no wins. A reported yes never lifts a block: only the person does that (`opt_out.opt_in`), so that an opted-out
    person who is imported again stays opted out, under a new address too (`carry`). Where the topic asks for double
    opt-in a yes is PENDING until the person confirms it (`confirm`). Contacts without an address are left out.
    """
    with transaction.atomic():
        by_contact = _points_of(items)
        fresh = _not_seen([item for item in items if (item.contact_id, item.channel) in by_contact])
        if not fresh:
            return 0
        point_ids = {by_contact[item.contact_id, item.channel].pk for item in fresh}
        locked = settle.lock_points(point_ids=point_ids)
        waiting = _waiting(fresh, {point.pk: point for point in locked}, by_contact)
        records = [
            _record(item, by_contact[item.contact_id, item.channel].pk, now, is_waiting=item in waiting)
            for item in fresh
        ]
        ConsentRecord.objects.bulk_create(records, ignore_conflicts=True)
        settle.settle_topics(points=locked)
    return len(fresh)


def _points_of(items: Sequence[ConsentItem]) -> dict[tuple[int, str], ContactPoint]:
    contacts = Contact.objects.in_bulk({item.contact_id for item in items})
    channels: dict[str, set[int]] = defaultdict(set)
    for item in items:
        channels[item.channel].add(item.contact_id)
    return {
        (contact_id, channel): point
        for channel, ids in sorted(channels.items())
        for contact_id, point in points.ensure_points(
            contacts=[contacts[pk] for pk in sorted(ids) if pk in contacts], channel=channel
        ).items()
    }


def _not_seen(items: Sequence[ConsentItem]) -> list[ConsentItem]:
    keys = {item.dedupe_key for item in items if item.dedupe_key}
    seen: set[str | None] = set(ConsentRecord.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
    fresh = []
    for item in items:
        if item.dedupe_key and item.dedupe_key in seen:
            continue
        seen.add(item.dedupe_key)
        fresh.append(item)
    return fresh


def _waiting(
    items: Sequence[ConsentItem],
    locked: Mapping[int, ContactPoint],
    by_contact: Mapping[tuple[int, str], ContactPoint],
) -> list[ConsentItem]:
    """The yeses that the person has to confirm: not those that stand already."""
    yeses = [item for item in items if item.state == ConsentRecord.State.GRANTED]
    topics = ConsentTopic.objects.exclude(confirmed_in=[]).in_bulk({item.topic for item in yeses}, field_name="slug")
    contacts = Contact.objects.in_bulk({item.contact_id for item in yeses if item.topic in topics})
    return [
        item
        for item in yeses
        if item.topic in topics
        and confirmation.is_asked(
            topic=topics[item.topic], contact=contacts[item.contact_id], channel=item.channel, basis=item.basis
        )
        and locked[by_contact[item.contact_id, item.channel].pk].topics.get(item.topic) != ConsentRecord.State.GRANTED
    ]


def _record(item: ConsentItem, point_id: int, now: datetime, *, is_waiting: bool) -> ConsentRecord:
    return ConsentRecord(
        point_id=point_id,
        contact_id=item.contact_id,
        channel=item.channel,
        topic=item.topic,
        state=ConsentRecord.State.PENDING if is_waiting else item.state,
        basis=item.basis,
        source=item.source,
        at=min(item.at, now),
        recorded_at=now,
        evidence=dict(item.evidence),
        dedupe_key=item.dedupe_key,
    )
