"""A message as a signed POST to an address that a campaign names: chat tools, automation tools, one's own services.

Signed by Standard Webhooks: `webhook-id` is our message's id and stays over attempts, so that a receiver knows a
repeat; the time stamp is that of the attempt. The body goes as it was rendered, for a chat tool reads no envelope.
An address often is a secret, so that no error tells more of it than its host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from django.conf import settings

from orchestrator import clock, http
from orchestrator.channels import kept_alive
from orchestrator.channels.contract import Busy, ChannelError, OutboundMessage, Refusal, SendReceipt, Unclear
from orchestrator.channels.kept_alive import NoAnswer, NotSent
from orchestrator.webhooks import signatures

# No later attempt can end otherwise: the receiver is gone for good, or this body is too much for it.
_FINAL = frozenset({410, 413})
_LONGEST_PAUSE_S = 3600.0


class WebhookChannel:
    settings_read: ClassVar[tuple[str, ...]] = (
        "WEBHOOK_SIGNING_SECRET",
        "ALLOW_PRIVATE_WEBHOOKS",
        "PROVIDER_TIMEOUT_S",
    )
    kind = "webhook"
    is_live = True
    in_flight = 20

    def __init__(self, *, secrets: Sequence[str], allow_private: bool = False, timeout_s: float = 10) -> None:
        """Every secret signs; the receiver accepts whichever it knows. `allow_private` opens plain http and addresses
        inside the network."""
        self._secrets = list(secrets)
        self._allow_private = allow_private
        self._timeout_s = timeout_s

    @classmethod
    def from_settings(cls, kind: str) -> Self | None:
        secrets = settings.WEBHOOK_SIGNING_SECRET.split()
        if not secrets:
            return None
        return cls(
            secrets=secrets,
            allow_private=settings.ALLOW_PRIVATE_WEBHOOKS,
            timeout_s=settings.PROVIDER_TIMEOUT_S,
        )

    def send(self, message: OutboundMessage) -> SendReceipt:
        outcome = self._post(message)
        # Raised outside the except blocks: a chained exception would carry the address into logs.
        if isinstance(outcome, ChannelError):
            raise outcome
        return outcome

    def _post(self, message: OutboundMessage) -> SendReceipt | ChannelError:
        body = message.text.encode()
        signed = signatures.sign_standard_webhook(
            message_id=str(message.message_id), at=clock.wall_now(), body=body, secrets=self._secrets
        )
        headers = {"Content-Type": "application/json", "User-Agent": "Crescendo", "Accept": "*/*", **signed}
        try:
            endpoint = http.read_url(message.address, allow_private=self._allow_private)
            answer = kept_alive.post_once(
                endpoint=endpoint,
                headers=headers,
                body=body,
                timeout_s=self._timeout_s,
                is_allowed=_any_address if self._allow_private else http.is_public,
            )
        except http.ForbiddenAddress as error:
            return Refusal(str(error), code="forbidden_address")
        except NotSent as error:
            return Busy(f"{endpoint.host} could not be reached. {error}", code="not_sent")
        except NoAnswer as error:
            return Unclear(f"{endpoint.host} gave no answer. {error}", code="no_answer")
        refused = _explain(answer, endpoint.host)
        return refused or SendReceipt(provider_id=str(message.message_id))


def _any_address(address: str) -> bool:
    return True


def _explain(answer: kept_alive.Answer, host: str) -> ChannelError | None:
    """None for a yes."""
    status = answer.getcode()
    code = str(status)
    if 200 <= status < 300:
        return None
    if status in _FINAL:
        return Refusal(f"{host} refused the message for good (HTTP {code}).", code=code)
    if 300 <= status < 400:
        detail = (
            f"{host} answered HTTP {code}: webhooks follow no redirects, name the final address. It is tried again."
        )
        return Busy(detail, code=code)
    if 400 <= status < 500 and status != 408:
        # A receiver that is being deployed, or whose secret is being changed, says 401 or 404 for a while.
        detail = f"{host} did not take the message (HTTP {code}). It is tried again until its deadline."
        return Busy(detail, code=code, retry_after_s=_pause(answer.info().get("Retry-After")))
    return Unclear(f"{host} answered HTTP {code}: it may have taken the message.", code=code)


def _pause(wished: str | None) -> float | None:
    """In seconds; a date or nonsense counts as no wish."""
    if wished is None or not wished.isascii() or not wished.strip().isdigit():
        return None
    return min(float(wished), _LONGEST_PAUSE_S)
