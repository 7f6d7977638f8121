"""In-app messages: our own row is the delivery, so beginning and accepting are one transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic
from campaigns.delivery import begin
from campaigns.delivery.begin import SENDING, Verdict
from campaigns.delivery.models import InAppMessage, Message, SendGate
from campaigns.delivery.render import Outgoing
from campaigns.profiles.models import Contact

SHOWN_FOR = timedelta(days=14)
FEED_LENGTH = 10
KINDS = ("impression", "click", "dismiss")

_STORE = """
INSERT INTO delivery_inappmessage (message_id, contact_id, kind, place, html, shown_from, expires_at)
SELECT message_id, contact_id, kind, place::jsonb, html, %(now)s, %(until)s
FROM unnest(%(messages)s::bigint[], %(contacts)s::bigint[], %(kinds)s::text[], %(places)s::text[], %(html)s::text[])
    AS shown(message_id, contact_id, kind, place, html)
ON CONFLICT (message_id) DO NOTHING
"""

_ATTEMPTS = """
INSERT INTO delivery_deliveryattempt (message_id, number, started_at, ended_at, outcome, code, detail)
SELECT id, attempt, %(wall_now)s, %(wall_now)s, 'ACCEPTED', '', ''
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[]) AS begun(id, attempt)
"""

_BANNER_FACTS = """
UPDATE delivery_inappmessage AS banner
SET first_shown_at = LEAST(banner.first_shown_at, seen.shown),
    clicked_at = LEAST(banner.clicked_at, seen.clicked),
    dismissed_at = LEAST(banner.dismissed_at, seen.dismissed)
FROM unnest(%(ids)s::bigint[], %(shown)s::timestamptz[], %(clicked)s::timestamptz[], %(dismissed)s::timestamptz[])
    AS seen(id, shown, clicked, dismissed)
WHERE banner.message_id = seen.id
"""

_MESSAGE_FACTS = """
UPDATE delivery_message AS message
SET opened_at = LEAST(message.opened_at, seen.shown),
    clicked_at = LEAST(message.clicked_at, seen.clicked),
    dismissed_at = LEAST(message.dismissed_at, seen.dismissed)
FROM unnest(%(ids)s::bigint[], %(shown)s::timestamptz[], %(clicked)s::timestamptz[], %(dismissed)s::timestamptz[])
    AS seen(id, shown, clicked, dismissed)
WHERE message.id = seen.id
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the host application reports about one message: `kind` is impression, click or dismiss."""

    message_uuid: str
    kind: str
    at: datetime


def deliver(
    *, outgoing: Sequence[Outgoing], topics: Mapping[str, ConsentTopic], now: datetime, wall_now: datetime
) -> Counter[str]:
    """Decide as for every message, and put the banners up in the same transaction."""
    held = [one.held for one in outgoing]
    with transaction.atomic(durable=True):
        verdicts = begin.decide(held=held, topics=topics, now=now, wall_now=wall_now)
        shown = [one for one in outgoing if verdicts.get(one.held.id) == SENDING]
        settled = {
            message_id: Verdict(Message.State.ACCEPTED) if verdict == SENDING else verdict
            for message_id, verdict in verdicts.items()
        }
        begin.write(held=held, verdicts=settled, now=now, wall_now=wall_now)
        _put_up(shown, now, wall_now)
    return Counter(str(verdict.state) for verdict in settled.values())


def feed(*, contact: Contact, now: datetime, account_id: int | None = None) -> list[InAppMessage]:
    """What to show this contact now, oldest first: not clicked, not dismissed, not expired, about that account.

    A banner is shown again and again, so what would keep it from going up takes it down too: a no of the contact, a
    stopped campaign, an account whose facts have changed since.
    """
    rows = InAppMessage.objects.filter(
        contact=contact,
        shown_from__lte=now,
        expires_at__gt=now,
        clicked_at__isnull=True,
        dismissed_at__isnull=True,
    ).exclude(message__gate__state=SendGate.State.STOPPED)
    if account_id is not None:
        about = Q(message__account=account_id)
        rows = rows.filter(about | Q(message__account__isnull=True))
    has_changed = Q(message__account__isnull=False) & ~Q(message__account__revision=F("message__account_revision"))
    rows = rows.exclude(has_changed, message__purpose=Message.Purpose.MARKETING)
    waiting = list(rows.select_related("message__point", "message__gate").order_by("shown_from", "id"))
    if not waiting:
        return []
    topics = {topic.slug: topic for topic in ConsentTopic.objects.all()}
    return [row for row in waiting if _is_permitted(row.message, topics)][:FEED_LENGTH]


def _is_permitted(message: Message, topics: Mapping[str, ConsentTopic]) -> bool:
    topic = begin.topic_of(purpose=message.purpose, topic=message.gate.topic, topics=topics)
    return consent.permission(point=message.point, topic=topic) == consent.GRANTED


def record_events(*, contact: Contact, sightings: Sequence[Sighting], now: datetime) -> int:
    """Keep the earliest time of each; returns how many named a message of this contact. Others are passed over."""
    uuids = {one.message_uuid for one in sightings}
    own = dict(Message.objects.filter(uuid__in=uuids, contact=contact, channel="in_app").values_list("uuid", "pk"))
    ids = {str(uuid): pk for uuid, pk in own.items()}
    known = [one for one in sightings if one.message_uuid in ids and one.kind in KINDS]
    if not known:
        return 0
    earliest: dict[tuple[int, str], datetime] = {}
    for one in known:
        key = (ids[one.message_uuid], one.kind)
        earliest[key] = min(earliest.get(key, now), one.at)
    touched = sorted({message_id for message_id, _ in earliest})
    columns = zip(("shown", "clicked", "dismissed"), KINDS, strict=True)
    params: dict[str, Any] = {"ids": touched} | {
        name: [earliest.get((pk, kind)) for pk in touched] for name, kind in columns
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BANNER_FACTS, params)
        cursor.execute(_MESSAGE_FACTS, params)
    return len(known)


def _put_up(shown: Sequence[Outgoing], now: datetime, wall_now: datetime) -> None:
    if not shown:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            {
                "messages": [one.held.id for one in shown],
                "contacts": [one.held.contact_id for one in shown],
                "kinds": [one.kind for one in shown],
                "places": [json.dumps(one.place) for one in shown],
                "html": [one.message.html for one in shown],
                "now": now,
                "until": now + SHOWN_FOR,
            },
        )
        params: dict[str, Any] = {
            "ids": [one.held.id for one in shown],
            "attempts": [one.held.attempt for one in shown],
            "wall_now": wall_now,
        }
        cursor.execute(_ATTEMPTS, params)
    Message.objects.filter(pk__in=[one.held.id for one in shown]).update(delivered_at=now)
