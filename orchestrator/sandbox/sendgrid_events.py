"""The e-mail provider's event webhook: signed batches, with the untidiness of the real one."""

from __future__ import annotations

import base64
import json
import random
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator import clock
from orchestrator.sandbox.agenda import Agenda
from orchestrator.sandbox.postman import Parcel, Postman
from orchestrator.sandbox.sendgrid import Mail
from orchestrator.sandbox.sendgrid_lists import SuppressionLists
from orchestrator.sandbox.world import World

PATH = "/webhooks/sendgrid/events"
BATCH = 200
GATHER_S = 0.1


class SigningKey:
    """ECDSA on P-256, as the vendor signs. Without a PEM a new pair is made."""

    def __init__(self, pem: str | None = None) -> None:
        if pem is None:
            self._key = ec.generate_private_key(ec.SECP256R1())
            return
        key = serialization.load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("The e-mail webhook key must be an elliptic-curve private key in PEM.")  # noqa: TRY004
        self._key = key

    @property
    def public_key(self) -> str:
        """Base64 of the SubjectPublicKeyInfo in DER: what SENDGRID_WEBHOOK_PUBLIC_KEY takes."""
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    @property
    def pem(self) -> str:
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def headers(self, body: bytes) -> Mapping[str, str]:
        stamp = str(int(clock.wall_now().timestamp()))
        signature = self._key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            "User-Agent": "SendGrid Event API",
        }


class EventDesk:
    """Writes events in the vendor's words and posts them in batches of up to 200."""

    def __init__(
        self,
        *,
        world: World,
        agenda: Agenda,
        postman: Postman,
        key: SigningKey,
        loses: Callable[[], bool],
        lists: SuppressionLists,
    ) -> None:
        self._lists = lists
        self._world = world
        self._agenda = agenda
        self._postman = postman
        self._key = key
        self._loses = loses
        self._buffer: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._shuffle = world.rng("event-order")

    def start(self) -> None:
        threading.Thread(target=self._gather, name="sandbox-events", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def pending(self) -> int:
        with self._lock:
            return len(self._buffer)

    def happen(self, mail: Mail, kind: str, *, at: datetime, rng: random.Random, **detail: Any) -> None:
        """Report an event of that business time: usually then, sometimes later, twice or never."""
        noise = self._world.noise
        self._lists.note(mail.to, kind, at=at, detail=detail)
        if self._loses():
            return
        event = _event(mail, kind, at=at, rng=rng, **detail)
        posted_at = at
        if kind != "processed" and rng.random() < noise.late:
            posted_at += timedelta(hours=rng.uniform(0.01, noise.latest_hours))
        self._post_at(posted_at, mail, event)
        if rng.random() < noise.repeated:
            again = dict(event)
            if rng.random() < noise.repeated_with_new_id:
                again["sg_event_id"] = _opaque(rng)
            self._post_at(posted_at + timedelta(seconds=rng.uniform(0.5, 900)), mail, again)

    def _post_at(self, at: datetime, mail: Mail, event: dict[str, Any]) -> None:
        self._agenda.add(at=at, lane=f"events:{mail.to}", deed=lambda: self._put(event))

    def _put(self, event: dict[str, Any]) -> None:
        with self._lock:
            self._buffer.append(event)

    def _gather(self) -> None:
        while not self._stopped.wait(GATHER_S):
            with self._lock:
                if not self._buffer:
                    continue
                events, self._buffer = self._buffer, []
                self._shuffle.shuffle(events)
                for start in range(0, len(events), BATCH):
                    body = json.dumps(events[start : start + BATCH], ensure_ascii=False).encode() + b"\r\n"
                    self._postman.post(Parcel(vendor="sendgrid", path=PATH, body=body, sign=self._key.headers))


def _event(mail: Mail, kind: str, *, at: datetime, rng: random.Random, **detail: Any) -> dict[str, Any]:
    event = {
        "email": mail.to,
        "timestamp": int(at.timestamp()),
        "smtp-id": f"<{mail.provider_id}@sandbox.example>",
        "event": kind,
        "sg_event_id": _opaque(rng),
        "sg_message_id": f"{mail.provider_id}.filterdrecv-5645d9c87f-{mail.number}",
        **mail.arguments,
    }
    if mail.categories:
        event["category"] = list(mail.categories) if len(mail.categories) > 1 else mail.categories[0]
    for name in detail.pop("without", ()):
        event.pop(name, None)
    event.update(detail)
    return event


def _opaque(rng: random.Random) -> str:
    return base64.urlsafe_b64encode(rng.randbytes(16)).decode().rstrip("=")
