"""What a channel is: it takes one finished message and says what became of it.

A channel renders nothing and remembers nothing. It raises exactly one family of errors,
and each error says which of three things happened, because the ledger treats them
differently:

* `Refusal`  — the provider certainly did not take it and never will (bad address, 400).
* `Busy`     — the provider certainly did not take it now (429, connection refused, DNS).
* `Unclear`  — it may or may not have gone (5xx, time-out, reset). Never re-sent blindly.

A channel whose provider takes many messages in one request is a `BatchChannel` as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable
from uuid import UUID

from orchestrator.channels.events import RejectReason


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One rendered message for one recipient.

    `headers` are the message's own (List-Unsubscribe …); `category` is exactly one of
    marketing, transactional, test; `campaign` is a slug. Nothing here but `address` and
    the content may identify a person.

    `reply_to` is where this person's answer goes; of a batch, where that of any of them does.

    Where `slots` is not empty, `text` and `html` hold its tags and are the same for everybody
    in a batch; the provider puts each value in place of its tag. Only a BatchChannel gets such.

    `valid_s`: after so many seconds the provider must not hand it on any more; None: as the channel thinks fit.
    """

    message_id: UUID
    attempt: int
    address: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    category: str = "marketing"
    campaign: str = ""
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)
    reply_to: str = field(default="", repr=False)
    track_opens: bool = False
    valid_s: int | None = None


@dataclass(frozen=True, slots=True)
class SendReceipt:
    """The provider's yes. `provider_id` is theirs, for support cases; we match on our own id."""

    provider_id: str


class ChannelError(Exception):
    """What a provider said or failed to say; `code` is the provider's own or an HTTP status."""

    permanent: ClassVar[bool]

    def __init__(self, detail: str, *, code: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.retry_after_s = retry_after_s


class Refusal(ChannelError):
    """`reject` where the refusal is about the address: nothing may go there any more, because `provider` says so."""

    permanent = True

    def __init__(self, detail: str, *, code: str = "", reject: RejectReason | None = None, provider: str = "") -> None:
        super().__init__(detail, code=code)
        self.reject = reject
        self.provider = provider


class Busy(ChannelError):
    permanent = False


class Spared(Busy):
    """Of a batch: the whole request was refused for another message's sake, so this one may go again at once."""


class Unclear(ChannelError):
    permanent = False


class Channel(Protocol):
    kind: str
    """email, sms, in_app …"""
    is_live: bool
    """False where messages go to the in-memory outbox and nothing leaves the machine."""
    in_flight: int
    """How many requests one worker may have under way."""

    def send(self, message: OutboundMessage) -> SendReceipt:
        """Blocks at most PROVIDER_TIMEOUT_S. Raises ChannelError. Safe to call from threads."""
        ...


@runtime_checkable
class PacedChannel(Channel, Protocol):
    """Its provider takes only so much a second from one sender; all workers together keep to it."""

    sender: str
    """Who sends, in words that are the same in every process; two with one sender share its rate."""
    units_per_s: float
    """0: no limit of our own."""

    def units(self, messages: Sequence[OutboundMessage]) -> int:
        """What one request with these costs, at least 1."""
        ...


@runtime_checkable
class BatchChannel(Channel, Protocol):
    """One request for many messages that differ only in address, subject, headers, ids and `slots`."""

    batch_size: int
    """How many messages one request may carry; 1 switches batches off."""
    slot_bytes: int
    """How many bytes the tags and values of one message may have together."""

    def send_batch(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt | ChannelError]:
        """One request; what became of each message, in their order. Never raises ChannelError, never repeats.

        All messages have the same `text`, `html`, `category`, `campaign` and `track_opens`. Where the provider refuses
        the request and names some of the messages, those are Refusal and the others Spared; where it names none, all
        are Spared and the caller halves the batch. A batch of one is never Spared.
        """
        ...
