"""May this address be written to, about this topic? The same rule as a function and as SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact, IsNull

from campaigns.consent import points as addresses
from campaigns.consent import settle
from campaigns.consent.models import ConsentRecord, ConsentTopic, ContactPoint
from campaigns.profiles.models import Contact

GRANTED = "GRANTED"
OPTED_OUT = "OPTED_OUT"
NO_CONSENT = "NO_CONSENT"
HELD = "HELD"

# Of these reasons each says by itself that the address is no use; beside another `is_dead` does.
DEAD = frozenset({ContactPoint.Reason.BOUNCED.value, ContactPoint.Reason.ERASED.value})

# A task is read by a colleague, a webhook by another system, not by the contact: they need no yes, and respect a no.
ASKS_NOBODY = frozenset({"csm_task", "webhook"})

# On a row of consent_contactpoint alone, so that it may stand in a statement that locks that row.
PERMITTED_SQL = """(
    CASE WHEN %(is_marketing)s
        THEN NOT {point}.is_blocked AND NOT {point}.is_held AND (
            coalesce({point}.topics ->> %(topic)s = 'GRANTED', false)
            OR ({point}.topics ->> %(topic)s IS NULL AND {point}.channel = ANY(%(without_record)s)))
        ELSE NOT {point}.is_dead AND {point}.reason <> ALL(%(dead)s)
    END
)"""


def permitted_sql(*, point: str) -> str:
    """The rule as a condition on the table alias `point`; bind `permitted_params`."""
    return PERMITTED_SQL.format(point=point)


def permitted_by_columns_sql(*, point: str, topic: str, slug: str, is_marketing: str) -> str:
    """The same with the topic read beside the point: `topic` is the alias of its row, which may be missing, `slug` and
    `is_marketing` are expressions."""
    listed = f"jsonb_array_elements_text(coalesce({topic}.permitted_without_record, '[]'::jsonb))"
    return permitted_sql(point=point) % {
        "topic": slug,
        "is_marketing": is_marketing,
        "without_record": f"ARRAY(SELECT {listed}) || {_texts(ASKS_NOBODY)}",
        "dead": _texts(DEAD),
    }


def _texts(words: Iterable[str]) -> str:
    """Our own words as an array."""
    return f"ARRAY[{', '.join(f"'{word}'" for word in sorted(words))}]"


def permitted_params(*, topic: ConsentTopic) -> dict[str, Any]:
    return {
        "topic": topic.slug,
        "is_marketing": topic.is_marketing,
        "without_record": [*topic.permitted_without_record, *ASKS_NOBODY],
        "dead": sorted(DEAD),
    }


def permission(*, point: ContactPoint, topic: ConsentTopic) -> str:
    """GRANTED, OPTED_OUT, HELD or NO_CONSENT, from the columns of the row alone.

    A dead address (bounced, erased) counts as OPTED_OUT; `point.gets_nothing` tells which. HELD: they wrote what may be
    a no, and until a person has decided it counts as one. A topic that is no marketing (receipts, security) needs no
    yes and stops for a dead address only.
    """
    answer = said(point=point, topic=topic)
    return HELD if topic.is_marketing and point.is_held and answer != OPTED_OUT else answer


def said(*, point: ContactPoint, topic: ConsentTopic) -> str:
    """The same from what the person has said alone: no reply of theirs that waits for a person counts."""
    if not topic.is_marketing:
        return OPTED_OUT if point.gets_nothing else GRANTED
    if point.is_blocked:
        return OPTED_OUT
    state = point.topics.get(topic.slug)
    if state == ConsentRecord.State.WITHDRAWN:
        return OPTED_OUT
    if state == ConsentRecord.State.PENDING:
        return NO_CONSENT
    if state == ConsentRecord.State.GRANTED or point.channel in {*topic.permitted_without_record, *ASKS_NOBODY}:
        return GRANTED
    return NO_CONSENT


def has_said_no(*, point: ContactPoint, topic: ConsentTopic) -> bool:
    """Whether a person wants nothing more about the topic there. That nothing arrives at the address is no will of
    theirs, and a topic that is no marketing only an erasure ends."""
    if point.reason == ContactPoint.Reason.ERASED:
        return True
    is_willed = point.is_blocked and point.reason not in DEAD
    return topic.is_marketing and (is_willed or point.topics.get(topic.slug) == ConsentRecord.State.WITHDRAWN)


def permissions(*, contact_ids: Sequence[int], channel: str, topic: str) -> dict[int, str]:
    """The permission of each contact that has a point on the channel. Others are absent: not yet asked."""
    rule = ConsentTopic.objects.get(slug=topic)
    found = ContactPoint.objects.filter(contact_id__in=contact_ids, channel=channel)
    return {point.contact_id: permission(point=point, topic=rule) for point in found if point.contact_id}


def reachable_contacts(*, contact_ids: Sequence[int], channel: str, topic: str) -> set[int]:
    """Those that have an address on the channel and may be written to about the topic.

    A contact whose point was not made yet is judged as one without any record. E-mail and phone
    points are found by the address, not by the contact: two contacts may share one.
    """
    rule = ConsentTopic.objects.get(slug=topic)
    statement = _REACHABLE.format(permitted=permitted_sql(point="point"), **_JOINS[channel])
    params = {
        **permitted_params(topic=rule),
        "contacts": list(contact_ids),
        "channel": channel,
        "without_point": not rule.is_marketing or channel in {*rule.permitted_without_record, *ASKS_NOBODY},
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return {row[0] for row in cursor.fetchall()}


_JOINS = {
    "email": {"same": "point.address_hash = contact.email_hash", "has_address": "contact.email_hash IS NOT NULL"},
    "sms": {"same": "point.address_hash = contact.phone_hash", "has_address": "contact.phone_hash IS NOT NULL"},
    "in_app": {"same": "point.contact_id = contact.id", "has_address": "true"},
    "csm_task": {"same": "point.contact_id = contact.id", "has_address": "true"},
    "webhook": {"same": "point.contact_id = contact.id", "has_address": "true"},
}

_REACHABLE = """
SELECT contact.id
FROM profiles_contact contact
LEFT JOIN consent_contactpoint point ON point.channel = %(channel)s AND {same}
WHERE contact.id = ANY(%(contacts)s)
    AND contact.erased_at IS NULL AND contact.merged_into_id IS NULL
    AND {has_address}
    AND (CASE WHEN point.id IS NULL THEN %(without_point)s ELSE {permitted} END)
"""


def records_of(*, contact_id: int) -> QuerySet[ConsentRecord]:
    """The evidence about one contact, newest first."""
    return ConsentRecord.objects.filter(contact_id=contact_id).order_by("-at", "-pk")


@dataclass(frozen=True, slots=True)
class TopicState:
    """What the person has said about one topic on one channel; `point.is_held` is beside it. `record` is the newest
    that says so; None: nobody was ever asked."""

    topic: ConsentTopic
    permission: str
    record: ConsentRecord | None

    @property
    def is_on(self) -> bool:
        return self.permission == GRANTED


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel on which a contact has an address. `point` has no primary key where none was made yet.

    `block` is the newest record that took back all marketing of the channel, where such a no is in force.
    """

    channel: str
    address: str
    point: ContactPoint
    topics: list[TopicState]
    block: ConsentRecord | None

    @property
    def is_dead(self) -> bool:
        return self.point.gets_nothing


def channel_states(*, contact: Contact) -> list[ChannelState]:
    """Every channel with an address, every topic on each: marketing by name first, then what is none. Three queries,
    none of which writes."""
    topics = list(ConsentTopic.objects.order_by("-is_marketing", "name", "pk"))
    found = points_of(contacts=[contact])[contact.pk]
    return states_from(contact=contact, found=found, topics=topics, newest=_newest_records([one.pk for one in found]))


def states_from(
    *,
    contact: Contact,
    found: Sequence[ContactPoint],
    topics: Sequence[ConsentTopic],
    newest: Mapping[tuple[int, str], ConsentRecord] | None = None,
) -> list[ChannelState]:
    """The same from points that were read before, for many contacts at once; without `newest` no records in it."""
    points = {point.channel: point for point in found}
    states = []
    for channel in addresses.CHANNELS:
        address = addresses.address_of(contact=contact, channel=channel)
        if address:
            point = points.get(channel) or ContactPoint(contact=contact, channel=channel)
            states.append(_channel_state(channel, address, point, topics, newest or {}))
    return states


_POINT_OF_OUTER = {
    "email": {"address_hash": OuterRef("email_hash")},
    "sms": {"address_hash": OuterRef("phone_hash")},
    "in_app": {"contact_id": OuterRef("pk")},
}
_GETS_NOTHING = Q(is_dead=True) | Q(reason__in=DEAD)
_HAS_ADDRESS = {"email": Q(email_hash__isnull=False), "sms": Q(phone_hash__isnull=False), "in_app": Q()}


def reaches(*, channel: str, topic: ConsentTopic) -> Q:
    """On contacts: those that have an address on the channel and may be written to about the topic. The rule of
    `permission` for lists that are searched and paged."""
    points = _points_on(channel)
    if not topic.is_marketing:
        return _HAS_ADDRESS[channel] & ~Q(Exists(points.filter(_GETS_NOTHING)))
    if channel in topic.permitted_without_record:
        return _HAS_ADDRESS[channel] & ~Q(Exists(points.filter(_refused(topic) | Q(is_held=True))))
    granted = Q(Exact(_said(topic), Value(GRANTED)))
    return _HAS_ADDRESS[channel] & Q(Exists(points.filter(granted, is_blocked=False, is_held=False)))


def has_said(*, what: str, topic: ConsentTopic) -> Q:
    """On contacts: those that said `no` on a channel (to the topic or to all), whose address `bounced`, or whom
    `never` anybody asked about the topic by e-mail or SMS."""
    if what == "never":
        answered = Q(is_blocked=True) | Q(IsNull(_said(topic), False))
        asked = [Exists(_points_on(channel).filter(answered)) for channel in ("email", "sms")]
        return ~Q(asked[0]) & ~Q(asked[1])
    found = Q(pk__in=[])
    for channel in addresses.CHANNELS:
        points = _points_on(channel)
        if what == "no":
            found |= Q(Exists(points.filter(_refused(topic)).exclude(_GETS_NOTHING)))
        else:
            found |= Q(Exists(points.filter(Q(is_dead=True) | Q(reason=ContactPoint.Reason.BOUNCED))))
    return found


def _points_on(channel: str) -> QuerySet[ContactPoint]:
    return ContactPoint.objects.filter(channel=channel, **_POINT_OF_OUTER[channel])


def _said(topic: ConsentTopic) -> KeyTextTransform:
    return KeyTextTransform(topic.slug, "topics")


def _refused(topic: ConsentTopic) -> Q:
    return Q(is_blocked=True) | Q(Exact(_said(topic), Value(ConsentRecord.State.WITHDRAWN.value)))


def points_of(*, contacts: Sequence[Contact]) -> dict[int, list[ContactPoint]]:
    """The points of the addresses that these contacts have now, by contact id; what was not made yet is absent."""
    owners: dict[tuple[str, bytes], list[int]] = defaultdict(list)
    for contact in contacts:
        for channel in addresses.CHANNELS:
            if value := addresses.hash_of(contact=contact, channel=channel):
                owners[channel, value].append(contact.pk)
    named = Q(pk__in=[])
    for channel in addresses.CHANNELS:
        named |= Q(channel=channel, address_hash__in=[value for kind, value in owners if kind == channel])
    found: dict[int, list[ContactPoint]] = {contact.pk: [] for contact in contacts}
    for point in ContactPoint.objects.filter(named).order_by("pk"):
        for contact_id in owners[point.channel, bytes(point.address_hash)]:
            found[contact_id].append(point)
    return found


def first_yes(*, contact_id: int) -> ConsentRecord | None:
    """When and how the contact agreed in the first place."""
    said = ConsentRecord.objects.filter(contact_id=contact_id, state=ConsentRecord.State.GRANTED)
    return said.order_by("at", "pk").first()


def _newest_records(point_ids: Iterable[int]) -> dict[tuple[int, str], ConsentRecord]:
    """By point and topic ("" = all marketing); of two at the same time the no stands."""
    rows = ConsentRecord.objects.filter(point_id__in=list(point_ids))
    newest = rows.order_by("point_id", "topic", settle.position().desc(), "-state", "-pk").distinct("point_id", "topic")
    return {(row.point_id, row.topic): row for row in newest}


def _channel_state(
    channel: str,
    address: str,
    point: ContactPoint,
    topics: Sequence[ConsentTopic],
    newest: Mapping[tuple[int, str], ConsentRecord],
) -> ChannelState:
    block = newest.get((point.pk, "")) if point.is_blocked else None
    states = [
        TopicState(
            topic=topic,
            permission=said(point=point, topic=topic),
            record=block if block and topic.is_marketing else newest.get((point.pk, topic.slug)),
        )
        for topic in topics
    ]
    return ChannelState(channel=channel, address=address, point=point, topics=states, block=block)
