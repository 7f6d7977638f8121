"""Text messages through Twilio's Messages resource, by the official client on kept-alive connections.

There is no idempotency key in that API, so a call is made once and its outcome is named exactly: see
`_explain`. Our own id goes along in the path of the status callback; reports are matched on nothing else.
Nothing that identifies a person is in any error text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from django.conf import settings

from orchestrator import http
from orchestrator.channels.contract import Busy, ChannelError, OutboundMessage, Refusal, SendReceipt, Unclear
from orchestrator.channels.kept_alive import NoAnswer, NotSent
from orchestrator.channels.twilio import codes
from orchestrator.templating.sms import count_segments

# How long Twilio may hold a message that it cannot hand on yet. Later than this an offer is no news any more,
# and it could arrive at night.
VALIDITY_S = 4 * 3600
# Twilio takes 1 and more. A message that it gets a few seconds before night has time to be handed on at all.
LEAST_VALIDITY_S = 5
STATUS_PATH = "/webhooks/twilio/status/"
_ACCOUNT_FAULT_PAUSE_S = 60.0


class TwilioChannel:
    settings_read: ClassVar[tuple[str, ...]] = (
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_MESSAGING_SERVICE_SID",
        "TWILIO_FROM",
        "TWILIO_API_BASE",
        "TWILIO_MESSAGING_API_BASE",
        "TWILIO_LOOKUPS_API_BASE",
        "PUBLIC_BASE_URL",
        "PROVIDER_TIMEOUT_S",
        "TWILIO_IN_FLIGHT",
        "TWILIO_SEGMENTS_PER_S",
    )
    kind = "sms"
    is_live = True

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        bases: dict[str, str],
        public_base_url: str,
        sender: str = "",
        messaging_service_sid: str = "",
        timeout_s: float = 10,
        in_flight: int = 50,
        segments_per_s: float = 0,
    ) -> None:
        """`bases`: where the hosts api, messaging and lookups are. With both a sender and a messaging service,
        the sender must be in the service's pool."""
        # 27 MB come with this import: only a process that sends pays for them.
        from twilio.base.exceptions import TwilioException, TwilioRestException
        from twilio.rest import Client

        from orchestrator.channels.twilio.transport import KeptAliveHttpClient

        self.in_flight = max(1, in_flight)
        self.units_per_s = segments_per_s
        self.sender = f"twilio:{messaging_service_sid or sender}"
        self._refused, self._failed = TwilioRestException, TwilioException
        transport = KeptAliveHttpClient(bases=bases, timeout_s=timeout_s)
        client = Client(account_sid, auth_token, http_client=transport)
        self._transport = transport
        self._messages = client.messages
        self._callback = f"{public_base_url}{STATUS_PATH}"
        self._from: dict[str, str] = {}
        if messaging_service_sid:
            self._from["messaging_service_sid"] = messaging_service_sid
        if sender:
            self._from["from_"] = sender

    @classmethod
    def from_settings(cls, kind: str) -> Self | None:
        if not (settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN):
            return None
        return cls(
            account_sid=settings.TWILIO_ACCOUNT_SID,
            auth_token=settings.TWILIO_AUTH_TOKEN,
            bases={
                "api": settings.TWILIO_API_BASE,
                "messaging": settings.TWILIO_MESSAGING_API_BASE,
                "lookups": settings.TWILIO_LOOKUPS_API_BASE,
            },
            public_base_url=settings.PUBLIC_BASE_URL,
            sender=settings.TWILIO_FROM,
            messaging_service_sid=settings.TWILIO_MESSAGING_SERVICE_SID,
            timeout_s=settings.PROVIDER_TIMEOUT_S,
            in_flight=settings.TWILIO_IN_FLIGHT,
            segments_per_s=settings.TWILIO_SEGMENTS_PER_S,
        )

    def units(self, messages: Sequence[OutboundMessage]) -> int:
        """Segments: what a sender is granted, and a queue drains by."""
        return sum(max(count_segments(message.text).segments, 1) for message in messages)

    def send(self, message: OutboundMessage) -> SendReceipt:
        outcome = self._create(message)
        # Raised outside the except blocks: a chained exception would carry the number into logs.
        if isinstance(outcome, ChannelError):
            raise outcome
        return outcome

    def _create(self, message: OutboundMessage) -> SendReceipt | ChannelError:
        try:
            created = self._messages.create(
                to=message.address,
                body=message.text,
                status_callback=f"{self._callback}{message.message_id}",
                validity_period=_validity(message.valid_s),
                **self._from,
            )
        except NotSent as error:
            return Busy(f"Twilio could not be reached. {error}", code="not_sent")
        except NoAnswer as error:
            return Unclear(f"Twilio gave no answer. {error}", code="no_answer")
        except self._refused as error:
            return _explain(
                status=error.status, code=error.code, words=error.msg, wait_s=self._transport.last_retry_after_s
            )
        except self._failed as error:
            return _explain(
                status=getattr(error, "status", 0), code=getattr(error, "code", None), words=getattr(error, "title", "")
            )
        except (ValueError, TypeError, AttributeError):
            created = None
        if created is None or not created.sid:
            return Unclear("Twilio's answer could not be read: the message may have been taken.", code="unreadable")
        if created.status == "failed":
            # No report follows the first status: this answer is all there will ever be.
            return _explain(status=400, code=created.error_code, words=created.error_message or "")
        return SendReceipt(provider_id=created.sid)


def _validity(wanted: int | None) -> int:
    return VALIDITY_S if wanted is None else min(max(wanted, LEAST_VALIDITY_S), VALIDITY_S)


def _explain(*, status: int, code: Any, words: str, wait_s: float | None = None) -> ChannelError:
    """An HTTP answer as one of the three outcomes. Without a code of Twilio's own the client gives the status."""
    number = code if isinstance(code, int) else status
    named = str(number)
    if status == 429:
        wait = max([one for one in (wait_s, codes.PAUSES.get(number)) if one is not None], default=None)
        return Busy("Twilio asks us to slow down (HTTP 429).", code=named, retry_after_s=wait)
    if status >= 500 or status == 408 or status < 300:
        return Unclear(f"Twilio answered HTTP {status}: the message may have been taken.", code=named)
    if status < 400:
        detail = f"HTTP {status} names another address and takes nothing: check TWILIO_API_BASE. Messages wait."
        return Busy(detail, code=named, retry_after_s=_ACCOUNT_FAULT_PAUSE_S)
    if number in codes.PAUSES:
        detail = f"Too many messages wait at Twilio already (error {named})."
        return Busy(detail, code=named, retry_after_s=codes.PAUSES[number])
    fault = codes.ACCOUNT_FAULTS.get(number) or _fault_of_status(status)
    if fault:
        detail = f"Twilio refuses our account (error {named}): {fault}. Messages wait."
        return Busy(detail, code=named, retry_after_s=_ACCOUNT_FAULT_PAUSE_S)
    why = codes.CONFIGURATION.get(number) or http.redact(_without_prefix(words)).rstrip(".") or "no reason given"
    detail = f"Twilio refused the message (error {named}): {why}."
    return Refusal(detail, code=named, reject=codes.REJECTS.get(number), provider="twilio")


def _fault_of_status(status: int) -> str:
    if status == 401:
        return codes.ACCOUNT_FAULTS[20003]
    if status == 403:
        return "the account may not send: look at its state at Twilio"
    return codes.ACCOUNT_FAULTS[20404] if status == 404 else ""


def _without_prefix(words: str) -> str:
    """The client puts what it was doing before Twilio's own words."""
    return words.removeprefix("Unable to create record: ")
