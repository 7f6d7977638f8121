"""The billing service's webhook: one signed event per request, sometimes twice, sometimes out of order."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from orchestrator import clock
from orchestrator.sandbox.agenda import Agenda
from orchestrator.sandbox.billing_objects import epoch
from orchestrator.sandbox.postman import Parcel, Postman
from orchestrator.sandbox.world import World

PATH = "/webhooks/stripe"
API_VERSION = "2026-10-28.endive"


def sign(secret: str, body: bytes, *, at: int) -> str:
    """The Stripe-Signature header for this body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class BillingEvents:
    """Keeps every event (for `GET /v1/events`) and posts it. In sink mode it only keeps."""

    def __init__(self, *, secret: str, world: World, agenda: Agenda, postman: Postman) -> None:
        self._secret = secret
        self._world = world
        self._agenda = agenda
        self._postman = postman
        self._numbers = itertools.count(1)
        self._rng = world.rng("billing-events")
        self._lock = threading.Lock()
        self.sink = False
        self.kept: list[dict[str, Any]] = []

    def happen(
        self,
        kind: str,
        snapshot: dict[str, Any],
        *,
        at: datetime,
        previous: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
        after_s: float = 0.0,
    ) -> dict[str, Any]:
        """`snapshot` must be the caller's own copy. `after_s` delays the post in business time."""
        data: dict[str, Any] = {"object": snapshot}
        if previous is not None:
            data["previous_attributes"] = previous
        with self._lock:
            event = {
                "id": f"evt_{self._world.seed}x{next(self._numbers):08d}",
                "object": "event",
                "api_version": API_VERSION,
                "created": epoch(at),
                "data": data,
                "livemode": False,
                "pending_webhooks": 1,
                "request": {"id": None, "idempotency_key": idempotency_key},
                "type": kind,
            }
            self.kept.append(event)
            draws = self._rng.random(), self._rng.random(), self._rng.random()
        if not self.sink:
            self._schedule(event, at=at + timedelta(seconds=after_s), draws=draws)
        return event

    def _schedule(self, event: dict[str, Any], *, at: datetime, draws: tuple[float, float, float]) -> None:
        noise = self._world.noise
        held_back = timedelta(seconds=0.2 + 2.5 * draws[2]) if draws[0] < noise.billing_out_of_order else timedelta(0)
        self._post_at(at + held_back, event)
        if draws[1] < noise.billing_repeated:
            self._post_at(at + held_back + timedelta(seconds=0.5 + 20 * draws[2]), event)

    def _post_at(self, at: datetime, event: dict[str, Any]) -> None:
        body = json.dumps(event, ensure_ascii=False).encode()
        parcel = Parcel(vendor="stripe", path=PATH, body=body, sign=self._headers)
        self._agenda.add(at=at, lane=event["id"], deed=lambda: self._postman.post(parcel))

    def _headers(self, body: bytes) -> Mapping[str, str]:
        signature = sign(self._secret, body, at=int(clock.wall_now().timestamp()))
        return {"Stripe-Signature": signature, "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"}
