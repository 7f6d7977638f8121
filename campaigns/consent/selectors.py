"""May this address be written to, about this topic? The same rule as a function and as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from campaigns.consent.models import ConsentRecord, ConsentTopic, ContactPoint

GRANTED = "GRANTED"
OPTED_OUT = "OPTED_OUT"
NO_CONSENT = "NO_CONSENT"

# The address itself is no use, whatever the message is about.
DEAD = frozenset({ContactPoint.Reason.BOUNCED.value, ContactPoint.Reason.ERASED.value})

# On a row of consent_contactpoint alone, so that it may stand in a statement that locks that row.
PERMITTED_SQL = """(
    CASE WHEN %(is_marketing)s
        THEN NOT {point}.is_blocked AND (
            coalesce({point}.topics ->> %(topic)s = 'GRANTED', false)
            OR ({point}.topics ->> %(topic)s IS NULL AND {point}.channel = ANY(%(without_record)s)))
        ELSE {point}.reason <> ALL(%(dead)s)
    END
)"""


def permitted_sql(*, point: str) -> str:
    """The rule as a condition on the table alias `point`; bind `permitted_params`."""
    return PERMITTED_SQL.format(point=point)


def permitted_params(*, topic: ConsentTopic) -> dict[str, Any]:
    return {
        "topic": topic.slug,
        "is_marketing": topic.is_marketing,
        "without_record": list(topic.permitted_without_record),
        "dead": sorted(DEAD),
    }


def permission(*, point: ContactPoint, topic: ConsentTopic) -> str:
    """GRANTED, OPTED_OUT or NO_CONSENT, from the columns of the row alone.

    A dead address (bounced, erased) counts as OPTED_OUT; `point.reason` tells which. A topic that is
    no marketing (receipts, security) needs no yes and stops for a dead address only.
    """
    if not topic.is_marketing:
        return OPTED_OUT if point.reason in DEAD else GRANTED
    if point.is_blocked:
        return OPTED_OUT
    state = point.topics.get(topic.slug)
    if state == ConsentRecord.State.WITHDRAWN:
        return OPTED_OUT
    if state == ConsentRecord.State.GRANTED or point.channel in topic.permitted_without_record:
        return GRANTED
    return NO_CONSENT


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
        "without_point": not rule.is_marketing or channel in rule.permitted_without_record,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return {row[0] for row in cursor.fetchall()}


_JOINS = {
    "email": {"same": "point.address_hash = contact.email_hash", "has_address": "contact.email_hash IS NOT NULL"},
    "sms": {"same": "point.address_hash = contact.phone_hash", "has_address": "contact.phone_hash IS NOT NULL"},
    "in_app": {"same": "point.contact_id = contact.id", "has_address": "true"},
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
