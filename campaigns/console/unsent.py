from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from django.conf import settings

from campaigns.consent.models import ConsentRecord
from campaigns.delivery.models import DeliveryAttempt, Message
from orchestrator.engine import capping


@dataclass(frozen=True, slots=True)
class Unsent:
    """What is known about a message that was not sent. `noes` are the contact's withdrawals, newest first; `spenders`
    what had been sent before, to the contact or the account; `winner` the campaign it was lost to."""

    message: Message
    topic: str
    zone: tzinfo
    attempt: DeliveryAttempt | None = None
    noes: Sequence[ConsentRecord] = ()
    spenders: Sequence[Message] = ()
    block: str = ""
    winner: str = ""
    caps: Sequence[capping.Cap] = field(default_factory=lambda: capping.read_caps(settings.FREQUENCY_CAPS))

    @property
    def at(self) -> datetime:
        return self.message.ended_at or self.message.due_at
