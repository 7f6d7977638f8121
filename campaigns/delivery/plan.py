"""Planning: the row that says a message is meant to go, before anything is done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from campaigns.consent.models import ContactPoint
from campaigns.delivery import links, windows
from campaigns.delivery.models import Message, SendGate, TemplateVersion
from campaigns.operations import arrays, bulk_rows
from campaigns.profiles.models import Account, Contact

_WAITING = (Message.State.PLANNED, Message.State.READY)

# Rows in the order in which whoever has them in hand locks them; what it commits first is seen here.
_TAKE_BACK = """
WITH taken AS (
    SELECT message.id, given.reason
    FROM unnest(%(ids)s::bigint[], %(reasons)s::text[]) AS given(id, reason)
    JOIN delivery_message message ON message.id = given.id
    WHERE message.state IN ('PLANNED', 'READY', 'CLAIMED', 'SENDING', 'UNKNOWN')
        OR (message.state = 'ACCEPTED' AND message.channel = 'in_app')
    ORDER BY message.id
    FOR UPDATE OF message
)
UPDATE delivery_message AS message
SET state = CASE WHEN message.state IN ('PLANNED', 'READY') THEN 'SKIPPED' ELSE message.state END,
    reason = CASE WHEN message.state IN ('PLANNED', 'READY') THEN taken.reason ELSE message.reason END,
    ended_at = CASE WHEN message.state IN ('PLANNED', 'READY') THEN %(now)s::timestamptz ELSE message.ended_at END,
    next_at = CASE WHEN message.state IN ('PLANNED', 'READY') THEN NULL ELSE message.next_at END,
    taken_back = CASE WHEN message.state IN ('PLANNED', 'READY') THEN '' ELSE taken.reason END
FROM taken
WHERE message.id = taken.id
"""


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """`due_at` and `send_by` are business time. `context` holds `account`, `offer`, `evidence` for the template
    and, for an offer, `offer_url` (the address of its page). `dedupe_key` is per enrolment, step and visit,
    never per variant. `policy` left empty is at most once for marketing, at least once for the rest; without a `window`
    (from, to; None: at any time) that of the gate holds.
    """

    gate: SendGate
    contact: Contact
    account: Account | None
    point: ContactPoint
    template_version: TemplateVersion
    channel: str
    locale: str
    due_at: datetime
    dedupe_key: str
    variant: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    origin_step: str = ""
    account_revision: int = 0
    priority: int = 50
    expected_value: Decimal = Decimal(0)
    send_by: datetime | None = None
    purpose: str = Message.Purpose.MARKETING
    policy: str = ""
    window: tuple[time | None, time | None] | None = None


def plan_messages(*, items: Sequence[PlannedMessage], now: datetime) -> list[Message]:
    """Write the messages in the caller's transaction, one per item and in that order.

    An item whose `dedupe_key` exists already comes back as the message it is. A time outside the
    window or, for marketing, in quiet hours is moved to where they open, in the contact's own time.
    """
    with transaction.atomic():
        rows = {item.dedupe_key: _row(item, now) for item in items}
        made = bulk_rows.insert_rows(rows=list(rows.values()), unless_known_by="dedupe_key")
        known = [message.dedupe_key for message in made if message.pk is None]
        rows |= {message.dedupe_key: message for message in Message.objects.filter(dedupe_key__in=known)}
        messages = [rows[item.dedupe_key] for item in items]
        links.make_links(messages=messages)
    return messages


def skip_messages(*, message_ids: Sequence[int], reason: str, now: datetime) -> int:
    """Take back messages that nobody has in hand yet; returns how many. The others are on their way."""
    return Message.objects.filter(pk__in=message_ids, state__in=_WAITING).update(
        state=Message.State.SKIPPED, reason=reason, ended_at=now, next_at=None
    )


def take_back(*, reasons: Mapping[int, str], now: datetime) -> None:
    """`reasons` by message id. What waits is skipped. What somebody has in hand may still go in this attempt, but not
    in another one: who begins it, or begins it again, skips it for that reason. A banner that is up is taken down."""
    if not reasons:
        return
    said: dict[str, Any] = {"ids": arrays.numbers(reasons), "reasons": arrays.words(reasons.values()), "now": now}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK, said)


def policy_of(*, channel: str, purpose: str) -> str:
    """What an unclear outcome costs less: a receipt twice, or an offer not at all. In-app is our own row; a webhook's
    receiver knows a repeat by its id."""
    if channel == "webhook":
        return Message.Policy.AT_LEAST_ONCE
    if purpose == Message.Purpose.TRANSACTIONAL and channel != "sms":
        return Message.Policy.AT_LEAST_ONCE
    return Message.Policy.AT_MOST_ONCE


def _row(item: PlannedMessage, now: datetime) -> Message:
    start, end = item.window or (item.gate.window_start, item.gate.window_end)
    due_at = windows.next_sendable(
        at=max(item.due_at, now),
        start=start,
        end=end,
        place=windows.place_for(contact=item.contact, account=item.account),
        channel=item.channel,
        purpose=item.purpose,
    )
    return bulk_rows.new_row(
        Message,
        gate=item.gate,
        contact=item.contact,
        account=item.account,
        point=item.point,
        template_version=item.template_version,
        channel=item.channel,
        locale=item.locale,
        variant=item.variant,
        purpose=item.purpose,
        policy=item.policy or policy_of(channel=item.channel, purpose=item.purpose),
        context=dict(item.context),
        origin_campaign=item.gate.slug,
        origin_step=item.origin_step,
        account_revision=item.account_revision,
        priority=item.priority,
        expected_value=item.expected_value,
        dedupe_key=item.dedupe_key,
        window_start=start,
        window_end=end,
        planned_at=now,
        due_at=due_at,
        send_by=item.send_by,
    )
