"""What a person chooses by themselves, topic by topic: stored with its evidence, in force when it is answered."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from campaigns.consent import carry, hold, opt_out, points, push, selectors, settle
from campaigns.consent.models import ConsentRecord, ConsentTopic, ContactPoint
from campaigns.profiles.models import Contact

type Box = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One topic on one channel that is now on and was off, or the other way round."""

    topic: str
    channel: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class _Saying:
    """Who says it, where and with what proof."""

    contact: Contact
    source: str
    evidence: Mapping[str, Any]
    now: datetime


def set_preferences(
    *, contact_id: int, wanted: Mapping[Box, bool], source: str, evidence: Mapping[str, Any], now: datetime
) -> list[Change]:
    """Bring (topic, channel) to what the person wants; returns what changed, in the order of channels and topics.

    Only a difference leaves a record, and a no to what only the block of the channel keeps away: whoever lifts that
    does not bring it back. A yes lifts the person's own no to the whole channel; whatever it does not
    name stays off, with a record that says so, for it was off a moment ago. A dead address (bounced, erased), a topic
    that is no marketing and a channel without an address are passed over.
    """
    contact = Contact.objects.get(pk=contact_id)
    saying = _Saying(contact, source, evidence, now)
    topics = list(ConsentTopic.objects.filter(is_marketing=True).order_by("name", "pk"))
    with transaction.atomic():
        locked = _lock(contact, {channel for _, channel in wanted})
        changes: list[Change] = []
        records: list[ConsentRecord] = []
        touched: list[ContactPoint] = []
        answered: list[ContactPoint] = []
        for point in locked:
            if point.gets_nothing:
                continue
            asked = {topic.slug: wanted[topic.slug, point.channel] for topic in topics if _names(wanted, topic, point)}
            if any(asked.values()):
                answered.append(point)
            own, told = _settle(point, topics, asked, saying)
            changes += own
            if told:
                records += told
                touched.append(point)
        ConsentRecord.objects.bulk_create(records)
        ContactPoint.objects.bulk_update(touched, ["is_blocked", "reason", "blocked_at"])
        hold.settle(points=answered, now=now)
        settle.settle_topics(points=touched)
        push.note_points(point_ids=[point.pk for point in touched], now=now)
    return _in_order(changes)


def stop_everything(*, contact_id: int, source: str, evidence: Mapping[str, Any], now: datetime) -> list[Change]:
    """No marketing at all, on every channel, calls by a colleague too; returns what was on. Said again it leaves no
    second record."""
    contact = Contact.objects.get(pk=contact_id)
    topics = list(ConsentTopic.objects.filter(is_marketing=True).order_by("name", "pk"))
    with transaction.atomic():
        locked = _lock(contact, points.EVERY_CHANNEL)
        changes = [
            Change(topic.slug, point.channel, is_on=False)
            for point in locked
            for topic in topics
            if selectors.said(point=point, topic=topic) == selectors.GRANTED
        ]
        if not all(point.is_blocked and _is_told_everywhere(point) for point in locked):
            own = next(point for point in locked if point.channel == "in_app")
            opt_out.opt_out(point_id=own.pk, source=source, evidence=evidence, at=now, now=now, all_channels=True)
    return _in_order(changes)


def _is_told_everywhere(point: ContactPoint) -> bool:
    """A no to this channel alone may be taken back by itself (START after STOP); one to everything may not."""
    last = opt_out.last_no(point=point)
    return last is not None and carry.EVERYWHERE in last.evidence


def undo(
    *,
    point_id: int,
    contact_id: int,
    taken_by: Collection[str],
    source: str,
    evidence: Mapping[str, Any],
    now: datetime,
) -> list[Change]:
    """Give the contact again what a no of these sources took from this address; whatever was on besides stays off.

    Nothing where another no, or a dead address, keeps marketing away, and where the address is no longer theirs.
    """
    with transaction.atomic():
        point = settle.lock_points(point_ids=[point_id])[0]
        contact = Contact.objects.get(pk=contact_id)
        taken = opt_out.taken_topics(point=point, taken_by=taken_by)
        if taken is None or points.hash_of(contact=contact, channel=point.channel) != bytes(point.address_hash):
            return []
        bare = _without_block(point)
        # A topic that needs no yes there was never granted, and was taken all the same.
        wanted = {
            (topic.slug, point.channel): True
            for topic in ConsentTopic.objects.filter(is_marketing=True)
            if _is_on(bare, topic) and (topic.slug in taken or topic.slug not in point.topics)
        }
        return set_preferences(contact_id=contact_id, wanted=wanted, source=source, evidence=evidence, now=now)


def before_the_block(*, state: selectors.ChannelState) -> dict[Box, bool]:
    """What a person gets again who takes back their own no to a whole channel. Empty where there is no such no, where
    the address is dead, or where nothing was on before."""
    if not state.point.is_blocked or state.is_dead:
        return {}
    bare = _without_block(state.point)
    return {
        (one.topic.slug, state.channel): True
        for one in state.topics
        if one.topic.is_marketing and selectors.said(point=bare, topic=one.topic) == selectors.GRANTED
    }


def _lock(contact: Contact, channels: Iterable[str]) -> list[ContactPoint]:
    made = (points.ensure_points(contacts=[contact], channel=channel) for channel in sorted(set(channels)))
    return settle.lock_points(point_ids=[point.pk for found in made for point in found.values()])


def _names(wanted: Mapping[Box, bool], topic: ConsentTopic, point: ContactPoint) -> bool:
    return (topic.slug, point.channel) in wanted


def _settle(
    point: ContactPoint, topics: Sequence[ConsentTopic], asked: Mapping[str, bool], saying: _Saying
) -> tuple[list[Change], list[ConsentRecord]]:
    """What changes on one locked point, and the records that say so. Lifts the block on the row in hand."""
    changes: list[Change] = []
    records: list[ConsentRecord] = []
    is_lifted = point.is_blocked and any(asked.values())
    bare = _without_block(point)
    for topic in topics:
        is_wanted = asked.get(topic.slug)
        is_on = _is_on(point, topic)
        if is_wanted is not None and is_wanted != is_on:
            changes.append(Change(topic.slug, point.channel, is_on=is_wanted))
            records.append(_record(point, topic, saying, is_on=is_wanted))
        elif point.is_blocked and _is_on(bare, topic) and (is_wanted is False or (is_lifted and not is_wanted)):
            records.append(_record(point, topic, saying, is_on=False))
    if is_lifted:
        point.is_blocked, point.reason, point.blocked_at = False, "", None
    return changes, records


def _is_on(point: ContactPoint, topic: ConsentTopic) -> bool:
    return selectors.said(point=point, topic=topic) == selectors.GRANTED


def _without_block(point: ContactPoint) -> ContactPoint:
    bare = copy.copy(point)
    bare.is_blocked, bare.reason = False, ""
    return bare


def _record(point: ContactPoint, topic: ConsentTopic, saying: _Saying, *, is_on: bool) -> ConsentRecord:
    """A no also says of which kind it is, as every no that people tell us does."""
    kind = {} if is_on else {"reason": ContactPoint.Reason.UNSUBSCRIBED.value}
    return ConsentRecord(
        point=point,
        contact=saying.contact,
        channel=point.channel,
        topic=topic.slug,
        state=ConsentRecord.State.GRANTED if is_on else ConsentRecord.State.WITHDRAWN,
        basis="explicit" if is_on else "",
        source=saying.source,
        at=saying.now,
        recorded_at=saying.now,
        evidence={**saying.evidence, **kind},
    )


def _in_order(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda one: points.EVERY_CHANNEL.index(one.channel))
