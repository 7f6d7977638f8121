"""The in-memory outbox: a channel that keeps what it is given on this machine.

It stands in wherever a provider has no key, and in tests it can be told to misbehave.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import ClassVar, Self

from orchestrator.channels.contract import ChannelError, OutboundMessage, Refusal, SendReceipt

_KEPT = 1000
_MARK = "memory-"


def was_kept(*, provider_id: str) -> bool:
    """Whether what has this id went to an outbox: it never left the machine."""
    return provider_id.startswith(_MARK)


class MemoryChannel:
    """Keeps the last 1,000 messages of this process, oldest first."""

    settings_read: ClassVar[tuple[str, ...]] = ()
    is_live = False
    in_flight = 1

    def __init__(self, *, kind: str, keep: int = _KEPT) -> None:
        self.kind = kind
        self._lock = threading.Lock()
        self._sent: deque[OutboundMessage] = deque(maxlen=keep)
        self._answers: deque[ChannelError] = deque()

    @classmethod
    def from_settings(cls, kind: str) -> Self:
        return cls(kind=kind)

    def send(self, message: OutboundMessage) -> SendReceipt:
        with self._lock:
            if self._answers:
                raise self._answers.popleft()
            if not message.address.strip():
                raise Refusal("The message has no address.", code="no_address")
            self._sent.append(message)
        return SendReceipt(provider_id=f"{_MARK}{message.message_id}-{message.attempt}")

    @property
    def sent(self) -> list[OutboundMessage]:
        with self._lock:
            return list(self._sent)

    def misbehave(self, *answers: ChannelError) -> None:
        """The next sends raise these, in order; nothing is kept of what they were given."""
        with self._lock:
            self._answers.extend(answers)

    def clear(self) -> None:
        with self._lock:
            self._sent.clear()
            self._answers.clear()
