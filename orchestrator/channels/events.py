"""The one vocabulary for what providers report, whatever words they use themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class EventType(StrEnum):
    PROCESSED = "PROCESSED"  # the provider took it
    DEFERRED = "DEFERRED"  # the receiving side said later; the provider goes on trying
    DELIVERED = "DELIVERED"  # the receiving side took it
    BOUNCED = "BOUNCED"  # the address does not work: never again
    BLOCKED = "BLOCKED"  # refused this time (reputation, content): the address may be good
    DROPPED = "DROPPED"  # the provider itself did not send it
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    COMPLAINED = "COMPLAINED"  # marked as spam
    UNSUBSCRIBED = "UNSUBSCRIBED"
    REPLIED = "REPLIED"  # a person wrote back
    UNKNOWN = "UNKNOWN"  # a word we do not know: kept, never acted on


class Grade(StrEnum):
    """Who did it. Decisions rest on HUMAN only, and never on opens."""

    HUMAN = "HUMAN"
    SCANNER = "SCANNER"
    PROXY = "PROXY"
    UNKNOWN = "UNKNOWN"


class RejectReason(StrEnum):
    """What a provider's no says about the address, not about the message alone."""

    OPTED_OUT = "OPTED_OUT"  # the person wants nothing more from us on this channel
    BAD_ADDRESS = "BAD_ADDRESS"  # nothing will ever arrive there


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """One report. `key` is 16 bytes of our own making: providers change their ids on retry.

    `message_id` and `attempt` are None where the provider lost our arguments (asynchronous
    bounces); `address` then still lets consent act. `at` is UTC. `code` is the provider's own; `reject` is
    set where the type alone does not say what becomes of the address.
    """

    provider: str
    key: bytes
    type: EventType
    at: datetime
    message_id: UUID | None
    attempt: int | None
    address: str = field(repr=False)
    provider_id: str = ""
    reason: str = ""
    url: str = ""
    grade: Grade = Grade.UNKNOWN
    channel: str = "email"
    code: str = ""
    reject: RejectReason | None = None
    raw: Mapping[str, Any] | None = field(default=None, repr=False)
