"""The SMS provider's signed requests to the product: what became of a message, and what people write back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from orchestrator.sandbox.agenda import Agenda
from orchestrator.sandbox.postman import Parcel, Postman
from orchestrator.sandbox.twilio import API_VERSION, Text
from orchestrator.sandbox.world import World

FOLDER = "/webhooks/"
INBOUND = f"{FOLDER}twilio/inbound"
# The number that a messaging service of the simulation sends from.
POOL_NUMBER = "+15005550006"
FIRST_STATUS = "queued"


def sign(*, auth_token: str, address: str, fields: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the full address and every field, sorted by name."""
    signed = address + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


class StatusDesk:
    """Reports each status by itself: usually then, sometimes later, twice, out of order or never.

    A request goes to the product under test by its path alone; it is signed for the address the product named.
    """

    def __init__(
        self, *, world: World, agenda: Agenda, postman: Postman, auth_token: str, loses: Callable[[], bool]
    ) -> None:
        self._world, self._agenda, self._postman = world, agenda, postman
        self._auth_token, self._loses = auth_token, loses

    def happen(self, text: Text, status: str, *, at: datetime, rng: random.Random, code: int = 0) -> None:
        """The first status is never late: it is the product's evidence that the message was taken."""
        if FOLDER not in text.callback or self._loses():
            return
        noise = self._world.noise
        fields = _status_fields(text, status, at, code)
        posted_at = at
        if status != FIRST_STATUS and rng.random() < noise.late:
            posted_at += timedelta(hours=rng.uniform(0.01, noise.latest_hours))
        self._send_at(posted_at, text, text.callback, fields)
        if rng.random() < noise.repeated:
            self._send_at(posted_at + timedelta(seconds=rng.uniform(0.5, 900)), text, text.callback, fields)

    def write_back(
        self,
        text: Text,
        words: str,
        *,
        at: datetime,
        rng: random.Random,
        answered: Callable[[bytes], None] | None = None,
    ) -> None:
        """The recipient of `text` answers it; `answered` gets the product's TwiML."""
        if FOLDER not in text.callback:
            return
        address = text.callback[: text.callback.index(FOLDER)] + INBOUND
        fields = _inbound_fields(text, words, rng)
        self._send_at(at, text, address, fields, answered)
        if rng.random() < self._world.noise.repeated:
            self._send_at(at + timedelta(seconds=rng.uniform(0.5, 60)), text, address, fields, answered)

    def _send_at(
        self,
        at: datetime,
        text: Text,
        address: str,
        fields: Mapping[str, str],
        answered: Callable[[bytes], None] | None = None,
    ) -> None:
        parts = urlsplit(address)
        path = parts.path[parts.path.index(FOLDER) :] + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": sign(auth_token=self._auth_token, address=address, fields=fields),
            "I-Twilio-Idempotency-Token": hashlib.sha256(f"{address}{sorted(fields.items())}".encode()).hexdigest()[
                :32
            ],
            "User-Agent": "TwilioProxy/1.1",
        }
        parcel = Parcel(
            vendor="twilio",
            path=path,
            body=urlencode(fields).encode(),
            sign=lambda body: headers,
            answered=answered,
        )
        self._agenda.add(at=at, lane=f"texts:{text.to}", deed=lambda: self._postman.post(parcel))


def _status_fields(text: Text, status: str, at: datetime, code: int) -> dict[str, str]:
    fields = {
        "AccountSid": text.account,
        "ApiVersion": API_VERSION,
        "From": text.sender or POOL_NUMBER,
        "MessageSid": text.sid,
        "MessageStatus": status,
        "SmsSid": text.sid,
        "SmsStatus": status,
        "To": text.to,
    }
    if text.service:
        fields["MessagingServiceSid"] = text.service
    if code:
        fields["ErrorCode"] = str(code)
    if status == "delivered":
        fields["RawDlrDoneDate"] = at.strftime("%y%m%d%H%M")
    return fields


def _inbound_fields(text: Text, words: str, rng: random.Random) -> dict[str, str]:
    sid = f"SM{rng.randbytes(16).hex()}"
    fields = {
        "AccountSid": text.account,
        "ApiVersion": API_VERSION,
        "Body": words,
        "From": text.to,
        "FromCountry": "",
        "MessageSid": sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": text.sender or POOL_NUMBER,
    }
    if text.service:
        fields["MessagingServiceSid"] = text.service
    return fields
