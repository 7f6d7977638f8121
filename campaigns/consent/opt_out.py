"""A no is stored and in force in one transaction: when it is answered, no later send can miss it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from campaigns.consent import carry, hold, points, push, settle
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.profiles.models import Contact

Reason = ContactPoint.Reason

# The stronger reason stands, whichever comes first: what a person may lift by themselves is the weakest. That nothing
# arrives is no will: any no is named before it, and `is_dead` stays beside that.
_STRENGTH = {
    reason.value: rank
    for rank, reason in enumerate(
        (Reason.BOUNCED, Reason.UNSUBSCRIBED, Reason.OBJECTED, Reason.COMPLAINED, Reason.ERASED), start=1
    )
}
# A dead mailbox took back no consent: the provider's own report is the evidence.
_NO_WILL = frozenset({Reason.BOUNCED.value})
_LIFTED_BY_A_YES = frozenset({Reason.UNSUBSCRIBED.value, Reason.OBJECTED.value, Reason.COMPLAINED.value})


def opt_out(
    *,
    point_id: int | None = None,
    channel: str = "",
    address_hash: bytes | None = None,
    topic: str = "",
    reason: str = Reason.UNSUBSCRIBED,
    source: str,
    evidence: Mapping[str, Any] | None = None,
    at: datetime,
    now: datetime,
    all_channels: bool = False,
    dedupe_key: str | None = None,
) -> bool:
    """Take a no for an address: named by its point, or by channel and hash (made if nobody has it).

    Without a topic it covers everything that is marketing, with `all_channels` on the contact's
    other addresses too. The same `dedupe_key` again changes nothing and returns False. A bounce
    blocks the address but leaves no consent record. A report from the future counts from now.
    """
    at = min(at, now)
    with transaction.atomic():
        if address_hash is not None:
            point_id = points.ensure_point_of_address(channel=channel, address_hash=address_hash).pk
        assert point_id is not None, "An opt-out names a point or an address."
        reached = _reached_points(point_id, all_channels=all_channels)
        locked = settle.lock_points(point_ids=reached)
        if dedupe_key and _is_known(locked, point_id, dedupe_key):
            return False
        if reason not in _NO_WILL:
            told = {**(evidence or {}), **({carry.EVERYWHERE: True} if all_channels and not topic else {})}
            records = [_record(point, topic, str(reason), source, told, at, now, dedupe_key) for point in locked]
            ConsentRecord.objects.bulk_create(records, ignore_conflicts=True)
        if topic:
            settle.settle_topics(points=locked)
        else:
            _block(locked, str(reason), at)
            hold.settle(points=locked, now=now)
            push.note_points(point_ids=reached, now=now)
    return True


def lock_reached(*, point_ids: Sequence[int], everywhere: Sequence[int] = ()) -> None:
    """For several opt-outs in one transaction: every row they will change, locked in id order at once.

    `everywhere` are the points whose opt-out is for all channels. Locking them one opt-out after the
    other could wait for a send that waits for us.
    """
    reached = set(point_ids)
    for point_id in sorted(set(everywhere)):
        reached |= _reached_points(point_id, all_channels=True)
    settle.lock_points(point_ids=reached)


def opt_in(
    *, point_id: int, topic: str, source: str, evidence: Mapping[str, Any] | None = None, at: datetime, now: datetime
) -> bool:
    """The person says yes again, by their own hand: the topic is granted and their own no is lifted.

    Returns False, and changes nothing, where the address itself is dead (bounced, erased).
    """
    with transaction.atomic():
        locked = settle.lock_points(point_ids=[point_id])
        point = locked[0]
        if point.gets_nothing or (point.is_blocked and point.reason not in _LIFTED_BY_A_YES):
            return False
        ConsentRecord.objects.create(
            point=point,
            contact_id=point.contact_id,
            channel=point.channel,
            topic=topic,
            state=ConsentRecord.State.GRANTED,
            basis="explicit",
            source=source,
            at=at,
            recorded_at=now,
            evidence=dict(evidence or {}),
        )
        point.is_blocked, point.reason, point.blocked_at = False, "", None
        point.save(update_fields=["is_blocked", "reason", "blocked_at"])
        hold.settle(points=locked, now=now)
        settle.settle_topics(points=locked)
        push.note_points(point_ids=[point_id], now=now)
    return True


def restore(
    *,
    point_id: int,
    taken_by: Collection[str],
    source: str,
    evidence: Mapping[str, Any] | None = None,
    at: datetime,
    now: datetime,
) -> bool:
    """Give back what the no of one of these sources took (START after STOP), and nothing else.

    The block is lifted and the topics that stood granted then are granted anew; a topic that was or has been
    refused by itself stays refused. False, and nothing changes, where that no took nothing: the address is not
    blocked, it was blocked before or is dead, or the person has since said no in another way, or more strongly.
    """
    with transaction.atomic():
        locked = settle.lock_points(point_ids=[point_id])
        point = locked[0]
        taken = taken_topics(point=point, taken_by=taken_by)
        if taken is None:
            return False
        ConsentRecord.objects.bulk_create(
            ConsentRecord(
                point=point,
                contact_id=point.contact_id,
                channel=point.channel,
                topic=topic,
                state=ConsentRecord.State.GRANTED,
                basis="explicit",
                source=source,
                at=at,
                recorded_at=now,
                evidence=dict(evidence or {}),
            )
            for topic in taken
            if point.topics.get(topic) == ConsentRecord.State.GRANTED
        )
        point.is_blocked, point.reason, point.blocked_at = False, "", None
        point.save(update_fields=["is_blocked", "reason", "blocked_at"])
        settle.settle_topics(points=locked)
        push.note_points(point_ids=[point_id], now=now)
    return True


def is_covered(*, reason: str, point: ContactPoint) -> bool:
    """Whether a blocked address needs not be blocked for this reason: a no as strong stands, or it is known as dead."""
    if reason in _NO_WILL:
        return point.gets_nothing
    return _STRENGTH[reason] <= _STRENGTH[point.reason]


def last_no(*, point: ContactPoint) -> ConsentRecord | None:
    """What was said last of all that takes back everything on the address."""
    return _noes(point).first()


def taken_topics(*, point: ContactPoint, taken_by: Collection[str]) -> list[str] | None:
    """The topics granted when a no of these sources blocked the address; None unless that is what blocks it now."""
    if not point.is_blocked or point.is_dead or point.reason != Reason.UNSUBSCRIBED:
        return None
    for one in _noes(point):
        if one.source not in taken_by:
            return None
        took = one.evidence.get("took", {})
        if took.get("was_blocked") is False:
            return list(took["topics"])
    return None


def _noes(point: ContactPoint) -> QuerySet[ConsentRecord]:
    noes = ConsentRecord.objects.filter(point=point, topic="", state=ConsentRecord.State.WITHDRAWN)
    return noes.order_by("-pk")


def _key(dedupe_key: str, point: ContactPoint) -> str:
    """One report may concern several addresses: each record has its own key, the same on every machine."""
    return f"{dedupe_key}:{point.channel}:{bytes(point.address_hash).hex()[:16]}"


def _is_known(locked: Sequence[ContactPoint], point_id: int, dedupe_key: str) -> bool:
    own = next(point for point in locked if point.pk == point_id)
    return ConsentRecord.objects.filter(dedupe_key=_key(dedupe_key, own)).exists()


def _record(
    point: ContactPoint,
    topic: str,
    reason: str,
    source: str,
    evidence: Mapping[str, Any] | None,
    at: datetime,
    now: datetime,
    dedupe_key: str | None,
) -> ConsentRecord:
    return ConsentRecord(
        point=point,
        contact_id=point.contact_id,
        channel=point.channel,
        topic=topic,
        state=ConsentRecord.State.WITHDRAWN,
        source=source,
        at=at,
        recorded_at=now,
        evidence={**(evidence or {}), "reason": reason, **({} if topic else {"took": _stood(point)})},
        dedupe_key=_key(dedupe_key, point) if dedupe_key else None,
    )


def _stood(point: ContactPoint) -> dict[str, Any]:
    """What a no for everything takes away: whoever takes it back gets that again, not more."""
    granted = [slug for slug, state in sorted(point.topics.items()) if state == ConsentRecord.State.GRANTED]
    return {"was_blocked": point.is_blocked, "topics": granted}


def _block(locked: Sequence[ContactPoint], reason: str, at: datetime) -> None:
    for point in locked:
        point.is_dead = point.gets_nothing or reason in _NO_WILL
        if _STRENGTH[reason] > _STRENGTH.get(point.reason, 0):
            point.reason = reason
        point.blocked_at = min(point.blocked_at or at, at)
        point.is_blocked = True
        point.revision += 1
    ContactPoint.objects.bulk_update(locked, ["is_blocked", "is_dead", "reason", "blocked_at", "revision"])


def _reached_points(point_id: int, *, all_channels: bool) -> set[int]:
    """The point itself; with all channels also every other address of whoever it belongs to."""
    if not all_channels:
        return {point_id}
    point = ContactPoint.objects.get(pk=point_id)
    owners = list(Contact.objects.filter(_owns(point), erased_at__isnull=True).order_by("pk"))
    others = (points.ensure_points(contacts=owners, channel=channel) for channel in sorted(points.EVERY_CHANNEL))
    return {point_id} | {other.pk for found in others for other in found.values()}


def _owns(point: ContactPoint) -> Q:
    owner = Q(pk=point.contact_id) if point.contact_id else Q(pk__in=[])
    if point.channel == "email":
        owner |= Q(email_hash=point.address_hash)
    if point.channel == "sms":
        owner |= Q(phone_hash=point.address_hash)
    return owner
