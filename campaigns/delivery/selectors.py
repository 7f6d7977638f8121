"""The ledger as counts, and the state of sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from campaigns.delivery import links, switch
from campaigns.delivery.models import Message, ProviderEvent, SendGate
from orchestrator.channels import registry

# Their messages are rows of our own: no provider, so nothing that could be offline.
_OWN_ROWS = frozenset({"in_app", "csm_task"})
# Has no provider either: the launch review tells whoever uses it that nothing signs it.
_TOLD_ELSEWHERE = frozenset({"webhook"})


@dataclass(frozen=True, slots=True)
class MessageCount:
    """Messages of one step and variant in one state; facts count those of them for which they hold."""

    step: str
    variant: str
    channel: str
    state: str
    reason: str
    messages: int
    delivered: int
    opened: int
    clicked: int
    bounced: int
    complained: int
    opted_out: int


def message_counts(*, campaign_slug: str) -> list[MessageCount]:
    """Everything the campaign planned, test sends left out, in groups whose `messages` sum to the whole."""
    rows = (
        Message.objects.counted()
        .filter(origin_campaign=campaign_slug)
        .values("origin_step", "variant", "channel", "state", "reason")
        .annotate(
            messages=Count("pk"),
            delivered=Count("pk", filter=Q(delivered_at__isnull=False)),
            opened=Count("pk", filter=Q(opened_at__isnull=False)),
            clicked=Count("pk", filter=Q(clicked_at__isnull=False)),
            bounced=Count("pk", filter=Q(bounced_at__isnull=False)),
            complained=Count("pk", filter=Q(complained_at__isnull=False)),
            opted_out=Count("pk", filter=Q(unsubscribed_at__isnull=False)),
        )
        .order_by("origin_step", "variant", "channel", "state", "reason")
    )
    return [MessageCount(step=row.pop("origin_step"), **row) for row in rows]


def messages_of(*, campaign_slug: str) -> QuerySet[Message]:
    """For the ledger's lines: the campaign's messages, test sends left out, in the order they were planned."""
    rows = Message.objects.counted().filter(origin_campaign=campaign_slug)
    return rows.select_related("contact", "point").order_by("pk")


def open_messages() -> int:
    return Message.objects.open().count()


def count_waiting(*, now: datetime, gate: str = "") -> int:
    """Messages that are due and would go but for the switch, of all campaigns or of one: none of a paused one."""
    waiting = [Message.State.PLANNED, Message.State.READY]
    rows = Message.objects.filter(state__in=waiting, due_at__lte=now, gate__state=SendGate.State.OPEN)
    return (rows.filter(gate__slug=gate) if gate else rows).count()


def oldest_unknown(*, wall_now: datetime) -> float | None:
    """Age in seconds of the message that has been UNKNOWN longest; None when none is."""
    since = Message.objects.filter(state=Message.State.UNKNOWN).aggregate(since=Min("unknown_at"))["since"]
    return (wall_now - since).total_seconds() if since else None


def unapplied_reports() -> int:
    return ProviderEvent.objects.filter(applied_at__isnull=True).count()


def is_sending_on() -> bool:
    return switch.is_on()


def offline_channels() -> list[str]:
    """Channels whose messages stay in this machine's outbox because their provider has no key."""
    return [kind for kind in keeping_channels() if kind not in _TOLD_ELSEWHERE]


def keeping_channels() -> list[str]:
    """Whatever they send counts as sent, and stays in the outbox: nothing is connected."""
    return [kind for kind in registry.channel_kinds() if kind not in _OWN_ROWS and not registry.get(kind).is_live]


def links_of_message(*, uuid: UUID) -> dict[str, str]:
    """Every link of a message by its name. Raises Message.DoesNotExist."""
    message = Message.objects.get(uuid=uuid)
    return links.links_of(messages=[(message.pk, message.uuid)])[message.pk]


def last_messages(*, contact_ids: Sequence[int]) -> dict[int, datetime]:
    """When each of these contacts last got something, test sends left out; absent: never. Business time."""
    rows = Message.objects.counted().filter(contact_id__in=contact_ids, accepted_at__isnull=False)
    return dict(rows.order_by().values_list("contact_id").annotate(last=Max("accepted_at")))
