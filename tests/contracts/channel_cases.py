"""What every channel adapter promises, as cases that its own test class inherits.

A new adapter's test subclasses `ChannelCases` and says how its provider is brought into each
situation; docs/adding-a-channel.md has the recipe.
"""

from __future__ import annotations

import threading
import traceback
from abc import abstractmethod
from contextlib import AbstractContextManager
from uuid import UUID, uuid4

import pytest

from orchestrator.channels.contract import (
    BatchChannel,
    Busy,
    Channel,
    ChannelError,
    OutboundMessage,
    Refusal,
    SendReceipt,
    Spared,
    Unclear,
)

ACCEPTS, REFUSES, SLOWS_DOWN, UNREACHABLE = "accepts", "refuses", "slows down", "unreachable"
UNCLEAR = ("500", "503", "hang", "reset", "close", "garbage")
FAILURES = (REFUSES, SLOWS_DOWN, UNREACHABLE, *UNCLEAR)


def message(**changes) -> OutboundMessage:
    values = {
        "message_id": uuid4(),
        "attempt": 1,
        "address": "dana.levi@customer.example",
        "subject": "You use 82% of your seats",
        "text": "Upgrade at https://crescendo.example/o/abc",
        "html": "<p>Upgrade</p>",
        "category": "marketing",
        "campaign": "seats-80",
    }
    return OutboundMessage(**{**values, **changes})


class ChannelCases:
    """Subclasses implement `channel_in` and `arrived`."""

    @abstractmethod
    def channel_in(self, situation: str) -> AbstractContextManager[Channel]:
        """An adapter whose provider is in one of the situations above."""

    @abstractmethod
    def arrived(self, channel: Channel) -> list[UUID]:
        """Our ids of the messages that the provider holds."""

    def test_it_says_what_it_is(self):
        with self.channel_in(ACCEPTS) as channel:
            assert channel.kind
            assert channel.is_live in (True, False)
            assert channel.in_flight >= 1

    def test_an_accepted_message_gets_a_receipt(self):
        sent = message()
        with self.channel_in(ACCEPTS) as channel:
            receipt = channel.send(sent)
            assert receipt.provider_id
            assert self.arrived(channel) == [sent.message_id]

    def test_a_definite_no_is_permanent(self):
        with self.channel_in(REFUSES) as channel, pytest.raises(Refusal) as caught:
            channel.send(message())
        assert caught.value.permanent is True
        assert caught.value.code

    def test_a_rate_limit_is_busy(self):
        with self.channel_in(SLOWS_DOWN) as channel, pytest.raises(Busy) as caught:
            channel.send(message())
        assert caught.value.permanent is False

    def test_a_provider_that_cannot_be_reached_is_busy(self):
        with self.channel_in(UNREACHABLE) as channel, pytest.raises(Busy):
            channel.send(message())

    @pytest.mark.parametrize("situation", UNCLEAR)
    def test_what_may_have_been_taken_is_unclear(self, situation):
        with self.channel_in(situation) as channel, pytest.raises(Unclear) as caught:
            channel.send(message())
        assert caught.value.permanent is False

    @pytest.mark.parametrize("situation", FAILURES)
    def test_no_error_tells_the_address(self, situation):
        with self.channel_in(situation) as channel, pytest.raises(ChannelError) as caught:
            channel.send(message())
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.detail
        assert "dana.levi" not in told
        assert caught.value.__context__ is None

    def test_one_call_is_one_message_however_it_ends(self):
        with self.channel_in("500") as channel:
            with pytest.raises(Unclear):
                channel.send(message())
            assert len(self.arrived(channel)) <= 1

    def test_threads_may_share_it(self):
        sent = [message() for _ in range(24)]
        with self.channel_in(ACCEPTS) as channel:
            threads = [
                threading.Thread(target=lambda part: [channel.send(one) for one in part], args=(sent[at::6],))
                for at in range(6)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)
            assert sorted(self.arrived(channel)) == sorted(one.message_id for one in sent)


def slotted(count: int) -> list[OutboundMessage]:
    """Messages of one wording that differ in one slot."""
    return [message(html="<p>Hi Qab000</p>", slots={"Qab000": f"number {place}"}) for place in range(count)]


class BatchChannelCases(ChannelCases):
    """For adapters whose provider takes many messages in one request."""

    def batch_channel_in(self, situation: str) -> AbstractContextManager[BatchChannel]:
        return self.channel_in(situation)  # type: ignore[return-value]

    def test_a_batch_says_how_much_it_takes(self):
        with self.batch_channel_in(ACCEPTS) as channel:
            assert isinstance(channel, BatchChannel)
            assert channel.batch_size >= 1
            assert channel.slot_bytes > 0

    def test_an_accepted_batch_has_a_receipt_for_each_and_all_arrived(self):
        sent = slotted(3)
        with self.batch_channel_in(ACCEPTS) as channel:
            receipts = channel.send_batch(sent)
            assert [type(one) for one in receipts] == [SendReceipt] * 3
            assert self.arrived(channel) == [one.message_id for one in sent]

    def test_a_refused_batch_never_spares_its_only_message(self):
        with self.batch_channel_in(REFUSES) as channel:
            assert [type(one) for one in channel.send_batch(slotted(1))] == [Refusal]

    def test_what_nobody_is_named_for_spares_all(self):
        with self.batch_channel_in(REFUSES) as channel:
            assert [type(one) for one in channel.send_batch(slotted(3))] == [Spared] * 3

    @pytest.mark.parametrize("situation", [SLOWS_DOWN, UNREACHABLE])
    def test_a_batch_that_was_not_taken_is_busy_as_a_whole(self, situation):
        with self.batch_channel_in(situation) as channel:
            assert [type(one) for one in channel.send_batch(slotted(3))] == [Busy] * 3

    @pytest.mark.parametrize("situation", UNCLEAR)
    def test_a_batch_that_may_have_been_taken_is_unclear_as_a_whole(self, situation):
        with self.batch_channel_in(situation) as channel:
            assert [type(one) for one in channel.send_batch(slotted(3))] == [Unclear] * 3
