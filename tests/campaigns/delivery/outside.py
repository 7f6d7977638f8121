"""Providers for tests, behind the same seam as the real ones: settings.CHANNELS names them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Self

from django.test import override_settings

from orchestrator.channels.contract import OutboundMessage, SendReceipt


class ScriptedProvider:
    """Keeps what it took and lets a test look on at each request, in the thread that makes it."""

    settings_read: ClassVar[tuple[str, ...]] = ()
    kind = "email"
    is_live = True
    in_flight = 1
    taken: ClassVar[list[OutboundMessage]] = []
    at_request: ClassVar[list[Callable[[OutboundMessage], None]]] = []
    _lock = threading.Lock()

    @classmethod
    def from_settings(cls, kind: str) -> Self:
        return cls()

    def send(self, message: OutboundMessage) -> SendReceipt:
        with self._lock:
            self.taken.append(message)
        for look in self.at_request:
            look(message)
        return SendReceipt(provider_id=f"scripted-{message.message_id}")


class WideProvider(ScriptedProvider):
    in_flight = 5


@contextmanager
def provider(*at_request: Callable[[OutboundMessage], None], wide: bool = False) -> Iterator[type[ScriptedProvider]]:
    ScriptedProvider.taken.clear()
    ScriptedProvider.at_request[:] = at_request
    adapter = WideProvider if wide else ScriptedProvider
    channels = {
        "email": f"tests.campaigns.delivery.outside.{adapter.__name__}",
        "in_app": "orchestrator.channels.memory.MemoryChannel",
    }
    with override_settings(CHANNELS=channels):
        yield ScriptedProvider
