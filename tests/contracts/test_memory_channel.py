from __future__ import annotations

from contextlib import contextmanager

from orchestrator.channels.contract import Busy, Refusal, Unclear
from orchestrator.channels.memory import MemoryChannel
from tests.contracts.channel_cases import ACCEPTS, REFUSES, SLOWS_DOWN, UNREACHABLE, ChannelCases


class TestMemoryChannel(ChannelCases):
    @contextmanager
    def channel_in(self, situation):
        channel = MemoryChannel(kind="email")
        if situation == REFUSES:
            channel.misbehave(Refusal("The address does not exist.", code="no_such_address"))
        elif situation in (SLOWS_DOWN, UNREACHABLE):
            channel.misbehave(Busy("Not now."))
        elif situation != ACCEPTS:
            channel.misbehave(Unclear("It may have gone."))
        yield channel

    def arrived(self, channel):
        return [sent.message_id for sent in channel.sent]
