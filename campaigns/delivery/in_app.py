"""In-app messages: our own row is the delivery, so beginning and accepting are one transaction."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic
from campaigns.delivery import begin, decided, prices
from campaigns.delivery.decided import SENDING, Verdict
from campaigns.delivery.models import Message
from campaigns.delivery.render import Outgoing
from campaigns.operations import prepared
from campaigns.profiles import lookup
from campaigns.profiles import selectors as profiles
from campaigns.profiles.models import Contact
from orchestrator.templating import message as templating

SHOWN_FOR = timedelta(days=14)
FEED_LENGTH = 10
KINDS = ("impression", "click", "dismiss")

# What nobody defined is marketing that needs a yes; a receipt or a test is no marketing (`begin.topic_of`).
_PERMITTED = consent.permitted_by_columns_sql(
    point="point",
    topic="topic",
    slug="gate.topic",
    is_marketing="(message.purpose = 'MARKETING' AND coalesce(topic.is_marketing, true))",
)

_STORE = """
INSERT INTO delivery_inappmessage (message_id, contact_id, kind, place, html, shown_from, expires_at)
SELECT message_id, contact_id, kind, place::jsonb, html, %(now)s, until
FROM unnest(%(messages)s::bigint[], %(contacts)s::bigint[], %(kinds)s::text[], %(places)s::text[], %(html)s::text[],
    %(until)s::timestamptz[]) AS shown(message_id, contact_id, kind, place, html, until)
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


_IS_RED = profiles.is_red_sql(account="account")

# One statement whose text is always the same: a page of the host application asks it on every visit.
_FEED = f"""
WITH who AS MATERIALIZED ({lookup.PAIR_SQL})
SELECT who.contact_id, shown.*
FROM who
LEFT JOIN LATERAL (
    SELECT message.uuid::text, banner.kind, banner.html, banner.expires_at, banner.place::text
    FROM delivery_inappmessage banner
    JOIN delivery_message message ON message.id = banner.message_id
    JOIN delivery_sendgate gate ON gate.id = message.gate_id
    JOIN consent_contactpoint point ON point.id = message.point_id
    LEFT JOIN profiles_account account ON account.id = message.account_id
    LEFT JOIN consent_consenttopic topic ON topic.slug = gate.topic
    WHERE banner.contact_id = who.contact_id
        AND banner.shown_from <= %(now)s AND banner.expires_at > %(now)s
        AND banner.clicked_at IS NULL AND banner.dismissed_at IS NULL
        AND (gate.state = 'OPEN' OR (gate.state = 'PAUSED' AND message.purpose = 'TEST'))
        AND message.taken_back = ''
        AND (message.purpose <> 'MARKETING'
             OR coalesce((SELECT is_on FROM operations_sendswitch WHERE id = 1), true))
        AND (%(account)s = '' OR account.id IS NULL OR account.id = who.account_id)
        AND NOT (message.purpose = 'MARKETING'
            AND (coalesce(account.revision <> message.account_revision, false) OR {_IS_RED}))
        AND {_PERMITTED}
    ORDER BY banner.shown_from, banner.id
    LIMIT %(length)s
) AS shown ON %(account)s = '' OR who.account_id IS NOT NULL
"""  # noqa: S608  (what is put in are our own rules; values are bound)


@dataclass(frozen=True, slots=True)
class Banner:
    """What is shown: `id` is the message's uuid."""

    id: str
    kind: str
    html: str
    expires_at: datetime
    place: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the host application reports about one message: `kind` is impression, click or dismiss."""

    message_uuid: str
    kind: str
    at: datetime


def deliver(
    *,
    outgoing: Sequence[Outgoing],
    topics: Mapping[str, ConsentTopic],
    now: datetime,
    wall_now: datetime,
    is_rehearsal: bool = False,
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
        decided.write(held=held, verdicts=settled, now=now, wall_now=wall_now)
        _put_up(shown, now, wall_now)
        if is_rehearsal:
            decided.take_back()
    return Counter(str(verdict.state) for verdict in settled.values())


def feed(*, contact: str, account: str, now: datetime) -> list[Banner] | None:
    """What to show this contact now, oldest first: not clicked, not dismissed, not expired, about that account.

    Both by the host application's ids; `account` may be empty: then about any. None for a contact that nobody is.

    A banner is shown again and again, so what would keep it from going up takes it down too: a no of the contact, a
    stopped campaign, an account whose facts have changed since, an enrolment that ended early. It is hidden while the
    account's health is red, while its campaign is paused, and all marketing while sending is switched off.
    """
    given = {"contact": contact, "account": account, "now": now, "length": FEED_LENGTH}
    rows = prepared.fetch_rows(statement=_FEED, params=given)
    if rows[0][0] is None:
        return None
    return [
        Banner(uuid, kind, _clean(html), expires_at, json.loads(place))
        for _, uuid, kind, html, expires_at, place in rows
        if uuid is not None
    ]


@functools.lru_cache(maxsize=2048)
def _clean(html: str) -> str:
    """What was put up by an earlier release was cleaned by its rules. A banner is asked for on every visit."""
    return templating.clean_fragment(html)


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


def _shown_until(one: Outgoing, now: datetime) -> datetime:
    """No longer than the price holds that it names."""
    until = prices.holds_until(context=one.held.context) if one.held.purpose == Message.Purpose.MARKETING else None
    return min(now + SHOWN_FOR, until) if until else now + SHOWN_FOR


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
                "until": [_shown_until(one, now) for one in shown],
            },
        )
        params: dict[str, Any] = {
            "ids": [one.held.id for one in shown],
            "attempts": [one.held.attempt for one in shown],
            "wall_now": wall_now,
        }
        cursor.execute(_ATTEMPTS, params)
    Message.objects.filter(pk__in=[one.held.id for one in shown]).update(delivered_at=now)
