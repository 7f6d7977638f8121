"""Twilio's record of who may be written to: told of our opt-outs through its consent API.

That API is a pilot: only accounts with Twilio's compliance toolkit have it, so it is off until TWILIO_CONSENT_API says
otherwise. It answers no questions, so nothing is read back: what Twilio knows and we do not comes as 21610 with the
next send. A sender made of letters is one-way and has no consent to keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings

from orchestrator.channels.contract import Busy, ChannelError, Refusal, Unclear
from orchestrator.channels.kept_alive import NoAnswer, NotSent
from orchestrator.channels.suppressions import Listed


class TwilioConsents:
    settings_read: ClassVar[tuple[str, ...]] = (
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_MESSAGING_SERVICE_SID",
        "TWILIO_FROM",
        "TWILIO_CONSENT_API",
        "TWILIO_ACCOUNTS_API_BASE",
        "PROVIDER_TIMEOUT_S",
    )
    provider = "twilio"
    batch_size = 25
    can_be_read = False

    def __init__(self, *, account_sid: str, auth_token: str, api_base: str, sender: str, timeout_s: float = 10) -> None:
        """`sender`: the messaging service, or the number that texts come from."""
        # 27 MB come with this import: only a process that talks to Twilio pays for them.
        from twilio.base.exceptions import TwilioException, TwilioRestException
        from twilio.rest import Client

        from orchestrator.channels.twilio.transport import KeptAliveHttpClient

        self._refused, self._failed = TwilioRestException, TwilioException
        transport = KeptAliveHttpClient(bases={"accounts": api_base}, timeout_s=timeout_s)
        self._consents = Client(account_sid, auth_token, http_client=transport).accounts.v1.bulk_consents
        self._sender = sender

    @classmethod
    def from_settings(cls) -> Self | None:
        sender = settings.TWILIO_MESSAGING_SERVICE_SID or settings.TWILIO_FROM
        is_two_way = bool(settings.TWILIO_MESSAGING_SERVICE_SID) or sender.lstrip("+").isdigit()
        has_key = settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN
        if not (settings.TWILIO_CONSENT_API and has_key and is_two_way):
            return None
        return cls(
            account_sid=settings.TWILIO_ACCOUNT_SID,
            auth_token=settings.TWILIO_AUTH_TOKEN,
            api_base=settings.TWILIO_ACCOUNTS_API_BASE,
            sender=sender,
            timeout_s=settings.PROVIDER_TIMEOUT_S,
        )

    def add(self, addresses: Sequence[str]) -> Mapping[str, str]:
        return self._tell(addresses, "opt-out")

    def remove(self, addresses: Sequence[str]) -> Mapping[str, str]:
        return self._tell(addresses, "opt-in")

    def read(self) -> Iterator[Listed]:
        return iter(())

    def _tell(self, addresses: Sequence[str], status: str) -> Mapping[str, str]:
        names = {uuid4().hex: address for address in addresses}
        items: list[object] = [
            {
                "contact_id": address,
                "correlation_id": name,
                "sender_id": self._sender,
                "status": status,
                "source": "others",
            }
            for name, address in names.items()
        ]
        told = self._create(items)
        # Raised outside the except blocks: a chained exception would carry numbers into logs.
        if isinstance(told, ChannelError):
            raise told
        return {
            names[str(row.get("correlation_id"))]: f"Twilio refused the number (error {row.get('error_code')})."
            for row in told
            if row.get("error_code") and str(row.get("correlation_id")) in names
        }

    def _create(self, items: list[object]) -> list[dict[str, Any]] | ChannelError:
        try:
            rows = self._consents.create(items=items).items
        except NotSent as error:
            return Busy(f"Twilio could not be reached. {error}", code="not_sent")
        except NoAnswer as error:
            return Unclear(f"Twilio gave no answer. {error}", code="no_answer")
        except self._refused as error:
            return _explain(error.status, error.code)
        except self._failed as error:
            return _explain(getattr(error, "status", 0), getattr(error, "code", None))
        except (ValueError, TypeError, AttributeError):
            rows = None
        if not isinstance(rows, list):
            return Unclear("Twilio's answer could not be read.", code="unreadable")
        return [row for row in rows if isinstance(row, dict)]


def _explain(status: int, code: Any) -> ChannelError:
    named = str(code if isinstance(code, int) else status)
    if status == 400:
        return Refusal(f"Twilio refused the consents (error {named}).", code=named)
    if status in (401, 403, 404):
        words = "the account has no consent API: unset TWILIO_CONSENT_API, or ask Twilio for it"
        return Busy(f"Twilio refuses our account (error {named}): {words}.", code=named, retry_after_s=3600.0)
    if status == 429:
        return Busy("Twilio asks us to slow down (HTTP 429).", code=named, retry_after_s=60.0)
    return Unclear(f"Twilio answered HTTP {status}.", code=named)
