"""A no belongs to the person: where they have a new address, it goes along.

The new address gets a record of its own that names the one it comes from, and is blocked as the old one was. What the
person said yes to since, by their own hand, stays. GDPR 21(3), 7(3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from campaigns.consent import settle
from campaigns.consent.models import ConsentRecord, ContactPoint

# In the evidence of a no to everything on every channel.
EVERYWHERE = "everywhere"
# Elsewhere the contact itself stands for the address, and does not change.
CHANNELS = frozenset({"email", "sms"})
# A no has come there only as part of one to everything, also where it was stored without the mark.
_ONLY_WITH_EVERYTHING = ("csm_task", "webhook")

State = ConsentRecord.State


def carry_noes(*, points: Mapping[int, ContactPoint], channel: str) -> bool:
    """Bring the standing noes of these contacts to the points they have now, by contact id; True where it changed any.

    One query where there are none, as nearly always, and no lock where nothing is left to carry. A no is carried to a
    point once.
    """
    if channel not in CHANNELS or not points:
        return False
    known = {contact_id: points[contact_id] for contact_id in _elsewhere(points, channel)}
    if not known or not _to_carry(known, channel):
        return False
    with transaction.atomic():
        locked = {one.pk: one for one in settle.lock_points(point_ids=[point.pk for point in known.values()])}
        held = {contact_id: locked[point.pk] for contact_id, point in known.items()}
        return _apply(_to_carry(held, channel), locked)


def _to_carry(points: Mapping[int, ContactPoint], channel: str) -> list[ConsentRecord]:
    said = _said(sorted(points), [point.pk for point in points.values()], channel)
    made: list[ConsentRecord] = []
    for contact_id, point in sorted(points.items()):
        made += _carried(point, contact_id, said[contact_id] + said[-point.pk])
    return made


def _elsewhere(points: Mapping[int, ContactPoint], channel: str) -> set[int]:
    """Whose noes on this channel, or to everything, stand on another point than the one they have now."""
    noes = ConsentRecord.objects.filter(_on(channel), contact_id__any=sorted(points), state=State.WITHDRAWN)
    return {
        contact_id
        for contact_id, point_id in noes.values_list("contact_id", "point_id").distinct()
        if contact_id is not None and point_id != points[contact_id].pk
    }


def _on(channel: str) -> Q:
    everything = Q(topic="") & (Q(evidence__has_key=EVERYWHERE) | Q(channel__in=_ONLY_WITH_EVERYTHING))
    return Q(channel=channel) | everything


def _said(contact_ids: Sequence[int], point_ids: Sequence[int], channel: str) -> Mapping[int, list[ConsentRecord]]:
    """What each contact said on the channel and to everything, by contact id, oldest first; what others said on the
    points in hand, by the point's id with a minus."""
    mine = Q(contact_id__in=contact_ids) & _on(channel)
    rows = ConsentRecord.objects.filter(mine | Q(point_id__in=point_ids))
    found: dict[int, list[ConsentRecord]] = defaultdict(list)
    theirs = set(contact_ids)
    for one in rows.order_by(settle.position(), "state", "pk"):
        found[one.contact_id if one.contact_id in theirs else -one.point_id].append(one)
    return found


def _carried(point: ContactPoint, contact_id: int, said: Sequence[ConsentRecord]) -> list[ConsentRecord]:
    newest: dict[str, ConsentRecord] = {}
    own_yes = 0
    for one in said:
        newest[one.topic] = one
        if one.state == State.GRANTED and one.source not in ConsentRecord.REPORTED:
            own_yes = max(own_yes, one.pk)
    known = {one.dedupe_key for one in said}
    return [
        _copy(one, point, contact_id)
        for topic, one in sorted(newest.items())
        if one.state == State.WITHDRAWN
        and one.point_id != point.pk
        and _key(one, point) not in known
        and (topic or (not point.is_blocked and one.pk > own_yes))
    ]


def _copy(said: ConsentRecord, point: ContactPoint, contact_id: int) -> ConsentRecord:
    """Its times are those of the no: we have known it since."""
    granted = [slug for slug, state in sorted(point.topics.items()) if state == State.GRANTED]
    took = {} if said.topic else {"took": {"was_blocked": False, "topics": granted}}
    told = {name: value for name, value in said.evidence.items() if name != "took"}
    return ConsentRecord(
        point=point,
        contact_id=contact_id,
        channel=point.channel,
        topic=said.topic,
        state=State.WITHDRAWN,
        source=said.source,
        at=said.at,
        recorded_at=said.recorded_at,
        evidence={**told, **took, "carried_from": said.pk},
        dedupe_key=_key(said, point),
    )


def _key(said: ConsentRecord, point: ContactPoint) -> str:
    return f"carried:{said.evidence.get('carried_from', said.pk)}:{point.pk}"


def _apply(made: Sequence[ConsentRecord], locked: Mapping[int, ContactPoint]) -> bool:
    ConsentRecord.objects.bulk_create(made, ignore_conflicts=True)
    to_all = {one.point_id: one for one in made if not one.topic}
    for point_id, one in to_all.items():
        point = locked[point_id]
        point.is_blocked = True
        point.reason = one.evidence.get("reason") or ContactPoint.Reason.UNSUBSCRIBED
        point.blocked_at = _since(one)
        point.revision += 1
    ContactPoint.objects.bulk_update(
        [locked[point_id] for point_id in to_all], ["is_blocked", "reason", "blocked_at", "revision"]
    )
    settle.settle_topics(points=[locked[one] for one in sorted({one.point_id for one in made if one.topic})])
    return bool(made)


def _since(said: ConsentRecord) -> datetime:
    return min(said.at, said.recorded_at)
