"""E-mail through SendGrid's v3 mail/send, by the official client on a kept-alive connection.

There is no idempotency key in that API, so a call is made once and its outcome is named
exactly: see `explain`. Nothing that identifies a person is in any error text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from django.conf import settings
from python_http_client.exceptions import HTTPError

from orchestrator import clock, http
from orchestrator.channels.contract import (
    Busy,
    ChannelError,
    OutboundMessage,
    Refusal,
    SendReceipt,
    Spared,
    Unclear,
)
from orchestrator.channels.kept_alive import NoAnswer, NotSent, Transport
from orchestrator.channels.sendgrid.transport import KeptAliveClient

_LONGEST_WAIT_S = 3600.0

# Our own links carry the tracking; a second rewriter would break signatures and one-click unsubscribe. Opens are
# looked for only where the message says so.
_TRACKING_OFF = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}

# Our account's fault, not the message's: every message would be refused, and each is good once it is mended.
_ACCOUNT_FAULTS = {
    401: "the API key is wrong or revoked: check SENDGRID_API_KEY",
    403: "the API key may not send, or the sender is not verified: check SENDGRID_API_KEY and SENDGRID_FROM_EMAIL",
    404: "nothing answers at this address: check SENDGRID_API_BASE",
}
_ACCOUNT_FAULT_PAUSE_S = 60.0
# Parts of a request that come from our settings and are the same in every mail.
_OURS = re.compile(r"(?:from|reply_to|asm|ip_pool_name|mail_settings|tracking_settings)(?![a-z_])")
# Of all answers that are no error the only one that means a yes; a proxy's page in between says 200.
_TAKEN = 202

_MOST_PERSONALIZATIONS = 1000
# Which message of a batch an error is about: "personalizations.3.to.0.email".
_NAMED = re.compile(r"personalizations[.\[]([0-9]{1,4})(?![0-9])")


class SendGridChannel:
    settings_read: ClassVar[tuple[str, ...]] = (
        "SENDGRID_API_KEY",
        "SENDGRID_API_BASE",
        "SENDGRID_FROM_EMAIL",
        "SENDGRID_FROM_NAME",
        "SENDER_NAME",
        "PROVIDER_TIMEOUT_S",
        "SENDGRID_BATCH_SIZE",
        "SENDGRID_IN_FLIGHT",
        "SENDGRID_REQUESTS_PER_S",
    )
    kind = "email"
    is_live = True
    sender = "sendgrid"
    slot_bytes = 10_000

    def __init__(
        self,
        *,
        api_key: str,
        api_base: str,
        from_email: str,
        from_name: str = "",
        timeout_s: float = 10,
        batch_size: int = 1,
        in_flight: int = 50,
        requests_per_s: float = 0,
    ) -> None:
        # 30 MB of helpers come with this import: only a process that sends pays for them.
        import sendgrid

        self.in_flight = max(1, in_flight)
        self.units_per_s = requests_per_s
        self.batch_size = max(1, min(batch_size, _MOST_PERSONALIZATIONS))
        # One line each, whatever the settings hold: both become a header of the mail.
        name, email = (" ".join(one.split()) for one in (from_name, from_email))
        self._sender = {"email": email, "name": name} if name else {"email": email}
        self._api = sendgrid.SendGridAPIClient(api_key, host=api_base.rstrip("/"))
        self._api.client = KeptAliveClient(
            transport=Transport(base_url=api_base, timeout_s=timeout_s),
            host=self._api.host,
            request_headers=self._api.client.request_headers,
            version=3,
        )

    @classmethod
    def from_settings(cls, kind: str) -> Self | None:
        if not settings.SENDGRID_API_KEY:
            return None
        return cls(
            api_key=settings.SENDGRID_API_KEY,
            api_base=settings.SENDGRID_API_BASE,
            from_email=settings.SENDGRID_FROM_EMAIL,
            from_name=settings.SENDGRID_FROM_NAME or settings.SENDER_NAME,
            timeout_s=settings.PROVIDER_TIMEOUT_S,
            batch_size=settings.SENDGRID_BATCH_SIZE,
            in_flight=settings.SENDGRID_IN_FLIGHT,
            requests_per_s=settings.SENDGRID_REQUESTS_PER_S,
        )

    def units(self, messages: Sequence[OutboundMessage]) -> int:
        """A request is a request, however many mails it carries."""
        return 1

    def send(self, message: OutboundMessage) -> SendReceipt:
        outcome = self._post(_request_body([message], self._sender), 1)[0]
        # Raised outside the except blocks: a chained exception would carry the provider's echo into logs.
        if isinstance(outcome, ChannelError):
            raise outcome
        return outcome

    def send_batch(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt | ChannelError]:
        return self._post(_request_body(messages, self._sender), len(messages))

    def _post(self, body: dict[str, Any], count: int) -> list[SendReceipt | ChannelError]:
        """One outcome for each of the `count` messages of the request."""
        try:
            response = self._api.send(body)
        except NotSent as error:
            return [Busy(f"SendGrid could not be reached. {error}", code="not_sent")] * count
        except NoAnswer as error:
            return [Unclear(f"SendGrid gave no answer. {error}", code="no_answer")] * count
        except HTTPError as error:
            return _explain_batch(error, count)
        if response.status_code != _TAKEN:
            detail = f"HTTP {response.status_code} is no answer of SendGrid's to a message: it may have been taken."
            return [Unclear(detail, code="unreadable")] * count
        return [SendReceipt(provider_id=response.headers.get("X-Message-Id") or "")] * count


def _request_body(messages: Sequence[OutboundMessage], sender: dict[str, str]) -> dict[str, Any]:
    shared = messages[0]
    content = [{"type": "text/plain", "value": shared.text}]
    if shared.html:
        content.append({"type": "text/html", "value": shared.html})
    body: dict[str, Any] = {
        "personalizations": [_personalization(one) for one in messages],
        "from": sender,
        "content": content,
        "categories": list(dict.fromkeys(name for name in (shared.category, shared.campaign) if name)),
        "tracking_settings": {**_TRACKING_OFF, "open_tracking": {"enable": shared.track_opens}},
    }
    if shared.reply_to:
        # One field for the whole request: a batch shares a mailbox, its answers are known by who wrote them.
        box = shared.reply_to if len(messages) == 1 else f"reply@{shared.reply_to.partition('@')[2]}"
        body["reply_to"] = {"email": box}
    if not shared.slots:
        body["subject"] = shared.subject
    return body


def _personalization(message: OutboundMessage) -> dict[str, Any]:
    made: dict[str, Any] = {
        "to": [{"email": message.address}],
        "custom_args": {"crescendo_message": str(message.message_id), "crescendo_attempt": str(message.attempt)},
    }
    if message.headers:
        made["headers"] = dict(message.headers)
    if message.slots:
        made["subject"] = message.subject
        made["substitutions"] = dict(message.slots)
    return made


def _explain_batch(error: HTTPError, count: int) -> list[SendReceipt | ChannelError]:
    """A refusal of the request is one of the messages it names; of nobody, where it names none."""
    whole = explain(error)
    if count == 1 or not isinstance(whole, Refusal):
        return [whole] * count
    spared = Spared("Not taken: the request was refused for another message's sake.", code="neighbour")
    outcomes: list[SendReceipt | ChannelError] = [spared] * count
    for place, why in _named(error.body):
        if place < count:
            detail = f"SendGrid refused the message (HTTP {error.status_code}): {why}."
            outcomes[place] = Refusal(detail, code=str(error.status_code))
    return outcomes


def explain(error: HTTPError) -> ChannelError:
    """An HTTP answer as one of the three outcomes. 408 comes from proxies and says nothing about the message."""
    status = int(error.status_code)
    code = str(status)
    if status == 429:
        wait = _seconds_to_reset(error.headers)
        return Busy("SendGrid asks us to slow down (HTTP 429).", code=code, retry_after_s=wait)
    if status >= 500 or status == 408:
        return Unclear(f"SendGrid answered HTTP {status}: the message may have been taken.", code=code)
    if status < 400:
        detail = f"HTTP {status} names another address and takes nothing: check SENDGRID_API_BASE. Messages wait."
        return Busy(detail, code=code, retry_after_s=_ACCOUNT_FAULT_PAUSE_S)
    if status in _ACCOUNT_FAULTS:
        detail = f"SendGrid refuses our account (HTTP {status}): {_ACCOUNT_FAULTS[status]}. Messages wait."
        return Busy(detail, code=code, retry_after_s=_ACCOUNT_FAULT_PAUSE_S)
    if status == 400 and _is_ours(error.body):
        detail = f"SendGrid refuses what all our mails have (HTTP 400): {_first_error(error.body)}. Messages wait."
        return Busy(detail, code=code, retry_after_s=_ACCOUNT_FAULT_PAUSE_S)
    why = "the message is too large" if status == 413 else _first_error(error.body) or "no reason given"
    return Refusal(f"SendGrid refused the message (HTTP {status}): {why}.", code=code)


def _seconds_to_reset(headers: Any) -> float | None:
    """X-RateLimit-Reset is unix seconds, and often absent; then Retry-After. None also when it makes no sense."""
    after = headers.get("Retry-After", "")
    if "X-RateLimit-Reset" not in headers and after.isascii() and after.isdigit():
        return float(after) if float(after) <= _LONGEST_WAIT_S else None
    try:
        wait = float(headers.get("X-RateLimit-Reset", "")) - clock.wall_now().timestamp()
    except (TypeError, ValueError):
        return None
    return max(wait, 0.0) if abs(wait) <= _LONGEST_WAIT_S else None


def _is_ours(body: bytes) -> bool:
    """Whether all that is wrong is in what our settings put into every mail."""
    fields = [str(error.get("field") or "") for error in _errors(body)]
    return bool(fields) and all(_OURS.match(field) for field in fields)


def _first_error(body: bytes) -> str:
    return next((_words(error) for error in _errors(body)), "")


def _named(body: bytes) -> list[tuple[int, str]]:
    """Which messages of a batch the errors are about, and why."""
    found = [(_NAMED.match(str(error.get("field"))), error) for error in _errors(body)]
    return [(int(name[1]), _words(error) or "no reason given") for name, error in found if name]


def _errors(body: bytes) -> list[dict[str, Any]]:
    try:
        errors = json.loads(body)["errors"]
    except (ValueError, LookupError, TypeError):
        return []
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _words(error: dict[str, Any]) -> str:
    field, text = error.get("field"), str(error.get("message") or "").rstrip(".")
    return http.redact(f"{field}: {text}" if field and text else text)
