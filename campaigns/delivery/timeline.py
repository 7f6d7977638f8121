"""What happened with the messages to one contact, moment by moment, and what their headlines said. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.consent.models import DoubtfulReply
from campaigns.delivery import content
from campaigns.delivery.models import CsmTask, DeliveryAttempt, Message, ProviderEvent
from orchestrator.templating import message as templating
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent

# Of one contact; a person who got more than this is read in the list of all messages.
MOST = 3000
_LONGEST = 90


class Kind(StrEnum):
    WAITING = "WAITING"
    UNSENT = "UNSENT"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    SEEN = "SEEN"
    SCANNED = "SCANNED"
    CLICKED = "CLICKED"
    REPLIED = "REPLIED"
    DISMISSED = "DISMISSED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to one message. For WAITING `at` is when it is due, business time as all of them."""

    message_id: int
    channel: str
    kind: str
    at: datetime


# Of replies the first is the message's own fact; what was written after it is told where its words were kept.
# A mail that was delivered is told once, at its delivery. A task is no message to the contact: it tells its own story.
_MOMENTS = """
WITH own AS (
    SELECT id, uuid, channel, state, accepted_at, delivered_at, opened_at, clicked_at, replied_at, dismissed_at,
           bounced_at, complained_at, ended_at, due_at
    FROM delivery_message
    WHERE contact_id = %(contact)s AND purpose <> 'TEST'
)
SELECT own.id, own.channel, fact.kind, fact.at
FROM own CROSS JOIN LATERAL (VALUES
    ('WAITING', CASE WHEN own.state IN ('PLANNED', 'READY', 'CLAIMED', 'SENDING', 'UNKNOWN') THEN own.due_at END),
    ('UNSENT', CASE WHEN own.state IN ('SKIPPED', 'EXPIRED', 'FAILED', 'UNDETERMINED')
                    THEN coalesce(own.ended_at, own.due_at) END),
    ('SENT', CASE WHEN own.delivered_at IS NULL AND own.bounced_at IS NULL AND own.channel <> 'csm_task'
                  THEN own.accepted_at END),
    ('DELIVERED', CASE WHEN own.channel <> 'csm_task' THEN own.delivered_at END),
    ('SEEN', CASE WHEN own.channel = 'in_app' THEN own.opened_at END),
    ('CLICKED', own.clicked_at),
    ('REPLIED', own.replied_at),
    ('DISMISSED', own.dismissed_at),
    ('BOUNCED', own.bounced_at),
    ('COMPLAINED', own.complained_at)
) AS fact(kind, at)
WHERE fact.at IS NOT NULL
UNION ALL
SELECT own.id, own.channel, 'REPLIED', reply.at
FROM own JOIN consent_doubtfulreply reply ON reply.message = own.uuid
WHERE reply.at <> own.replied_at
UNION ALL
SELECT own.id, own.channel, 'SCANNED', min(event.at)
FROM own JOIN delivery_providerevent event ON event.message = own.uuid
WHERE event.type = 'CLICKED' AND event.grade IN ('SCANNER', 'PROXY')
GROUP BY own.id, own.channel
ORDER BY 4 DESC, 1 DESC
LIMIT %(most)s
"""


def moments_of(*, contact_id: int) -> list[Moment]:
    """Newest first, test sends left out; at most MOST. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_MOMENTS, {"contact": contact_id, "most": MOST})
        return [Moment(*row) for row in cursor.fetchall()]


def messages_by_id(*, message_ids: Sequence[int]) -> dict[int, Message]:
    """With what tells their story: gate, account, wording."""
    rows = Message.objects.filter(pk__in=message_ids).select_related(
        "gate", "account", "contact", "template_version", "lost_to"
    )
    return {message.pk: message for message in rows}


def last_attempts(*, message_ids: Sequence[int]) -> dict[int, DeliveryAttempt]:
    """The newest try of each, with the provider's answer."""
    rows = DeliveryAttempt.objects.filter(message_id__in=message_ids).order_by("message_id", "-number")
    return {attempt.message_id: attempt for attempt in rows.distinct("message_id")}


def reports_of(*, messages: Sequence[Message]) -> dict[int, str]:
    """What the provider said of each that came back, in its own words; empty where it gave no reason."""
    if not messages:
        return {}
    ids = {message.uuid: message.pk for message in messages}
    came_back = (ProviderEvent.Type.BOUNCED, ProviderEvent.Type.BLOCKED, ProviderEvent.Type.DROPPED)
    rows = ProviderEvent.objects.filter(message__in=list(ids), type__in=came_back).order_by("at", "pk")
    return {ids[uuid]: reason for uuid, reason in rows.values_list("message", "reason") if uuid is not None}


def replies_to(*, messages: Sequence[Message]) -> dict[tuple[int, datetime], str]:
    """What was written back to each and when, where the words were kept for a person to read (`consent.hold`)."""
    if not messages:
        return {}
    ids = {message.uuid: message.pk for message in messages}
    rows = DoubtfulReply.objects.filter(message__in=list(ids)).exclude(text="").order_by("pk")
    return {(ids[uuid], at): text for uuid, at, text in rows.values_list("message", "at", "text") if uuid is not None}


def messages_by_uuid(*, uuids: Sequence[UUID]) -> dict[UUID, Message]:
    """With what names them: account, campaign, wording."""
    rows = Message.objects.filter(uuid__in=uuids).select_related("account", "contact", "template_version")
    return {message.uuid: message for message in rows}


def spenders_of(*, messages: Sequence[Message], days: int) -> dict[int, list[Message]]:
    """For messages that a frequency cap kept back: what had been sent to the contact or the account in the `days`
    before each, newest first. One query for any number."""
    if not messages:
        return {}
    ends = [message.ended_at or message.due_at for message in messages]
    contacts = [message.contact_id for message in messages]
    accounts = [message.account_id for message in messages if message.account_id]
    rows = Message.objects.filter(
        purpose=Message.Purpose.MARKETING,
        accepted_at__gt=min(ends) - timedelta(days=days),
        accepted_at__lte=max(ends),
    )
    rows = (rows.filter(contact_id__in=contacts) | rows.filter(account_id__in=accounts)).order_by("-accepted_at", "-pk")
    sent = list(rows.select_related("contact"))
    return {
        message.pk: [
            one
            for one in sent
            if _concerns(one, message) and end - timedelta(days=days) < (one.accepted_at or end) <= end
        ]
        for message, end in zip(messages, ends, strict=True)
    }


def tasks_of(*, contact_id: int) -> list[CsmTask]:
    """A contact's calls by a colleague, newest first."""
    rows = CsmTask.objects.filter(contact_id=contact_id).select_related("assigned_to", "closed_by", "message")
    return list(rows.order_by("-added_at", "-pk")[:MOST])


def headlines(*, messages: Sequence[Message]) -> dict[int, str]:
    """Each message's subject or title, filled in; the beginning of the text where there is neither. No query."""
    return {message.pk: _headline(message) for message in messages}


def _concerns(one: Message, message: Message) -> bool:
    is_same_account = message.account_id is not None and one.account_id == message.account_id
    return one.pk != message.pk and (one.contact_id == message.contact_id or is_same_account)


def _headline(message: Message) -> str:
    compiled = message.template_version.compiled
    if not compiled:
        return ""
    fields = compiled[content.best_locale(available=compiled, wanted=message.locale)]
    text = "" if fields.get("subject") else fields.get("text", "")
    source = CompiledContent(fields.get("subject", ""), "", text, fields.get("locale", message.locale))
    try:
        rendered = templating.render_text(source, _facts(message, source))
    except (TemplateError, TypeError):
        return ""
    words = rendered.subject or " ".join(rendered.text.split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rstrip()}…"


def _facts(message: Message, source: CompiledContent) -> Mapping[str, Any]:
    """The links are left out of a headline."""
    person = message.contact
    account = {"name": message.account.name} if message.account else {}
    own = [f"{content.TARGET}{number}" for number in content.targets_in(text=f"{source.subject} {source.text}")]
    return {
        **message.context,
        "contact": {"first_name": person.first_name, "last_name": person.last_name, "locale": person.locale},
        "account": {**account, **message.context.get("account", {})},
        "links": dict.fromkeys(("offer", "unsubscribe", "preferences", "view", *own), "…"),
    }
