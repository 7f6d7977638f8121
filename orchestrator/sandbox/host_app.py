"""The customer's own application with the product's in-app feed built in: people log in, see, click, and try what
their plan does not have."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import random
import re
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from html import unescape
from typing import Any

from orchestrator import clock
from orchestrator.sandbox.agenda import Agenda
from orchestrator.sandbox.company import GATED_FEATURES, Company
from orchestrator.sandbox.people import Contact
from orchestrator.sandbox.postman import Product
from orchestrator.sandbox.sendgrid import LINK
from orchestrator.sandbox.truth import Truth
from orchestrator.sandbox.visitor import BROWSERS, Visitor
from orchestrator.sandbox.world import GATED, World

FEED = "/inapp/v1/feed"
EVENTS = "/inapp/v1/events"
TOKEN_LIFE_S = 600
ANY_FEATURE = "*"
HREF = re.compile(r"href=[\"']([^\"']+)[\"']", re.IGNORECASE)
Accept = Callable[[str, Sequence[str], str], None]


def sign_token(*, secret: str, contact: str, account: str, expires: int) -> str:
    """The HS256 token by which the host application vouches for its logged-in contact."""
    head = _part({"alg": "HS256", "typ": "JWT"})
    body = _part({"sub": contact, "acc": account, "exp": expires})
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_encode(signature)}"


class HostApp:
    """Mailed contacts log in some days later; so do a few others once the world has begun."""

    def __init__(
        self,
        *,
        company: Company,
        world: World,
        truth: Truth,
        agenda: Agenda,
        product: Product,
        secret: str,
        accept: Accept,
    ) -> None:
        self.company, self._world, self.truth = company, world, truth
        self._agenda, self._product, self._secret, self._accept = agenda, product, secret, accept
        self._expected: set[str] = set()
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self.counts: dict[str, int] = {}

    def begin(self, *, at: datetime) -> None:
        for contact in self.company.contacts:
            # Who wants a feature that the plan lacks is at work in the application anyway.
            is_keen = self.truth.accounts[contact.account_id].segment == GATED
            share = self._world.logins_of_keen if is_keen else self._world.logins_of_others
            if self._world.rng("login", contact.external_id).random() < share:
                self.expect(contact, at)

    def expect(self, contact: Contact, at: datetime) -> None:
        """Plan this contact's logins, counted from that moment; once per contact."""
        if not self._secret:
            return
        with self._lock:
            if contact.external_id in self._expected:
                return
            self._expected.add(contact.external_id)
        rng = self._world.rng("logins", contact.external_id)
        for first, last in self._world.logins_after_days:
            when = at + timedelta(days=rng.uniform(first, last))
            self._agenda.add(at=when, lane=contact.account_id, deed=lambda: self._use(contact, rng))

    def expected(self) -> list[Contact]:
        """Who was mailed or logs in anyway, in the order of the company's books."""
        with self._lock:
            return [contact for contact in self.company.contacts if contact.external_id in self._expected]

    def feed_of(self, contact: Contact) -> list[dict[str, Any]]:
        """What waits for this contact now, without showing it. Raises OSError or HTTPException when nobody answers."""
        headers = {"Authorization": f"Bearer {self.token_of(contact)}", "Accept": "application/json"}
        reply = self._product.call("GET", FEED, headers=headers)
        return list(json.loads(reply.body).get("messages", [])) if reply.status == 200 else []

    def token_of(self, contact: Contact) -> str:
        """Good for ten minutes of wall time."""
        return sign_token(
            secret=self._secret,
            contact=contact.external_id,
            account=contact.account_id,
            expires=int(clock.wall_now().timestamp()) + TOKEN_LIFE_S,
        )

    def try_feature(self, contact: Contact, feature: str, rng: random.Random) -> bool:
        """As `crescendo.gate` does it: the attempt is reported, then the fitting message is shown if there is one.

        True if one was. Raises OSError or HTTPException when nobody answers.
        """
        headers = self._headers(contact, rng)
        self._try(feature, headers)
        fitting = [one for one in self._messages(headers) if _feature_of(one) in (feature, ANY_FEATURE)]
        for message in fitting[:1]:
            self._show_once(contact, message, headers, rng)
        return bool(fitting)

    def _use(self, contact: Contact, rng: random.Random) -> None:
        try:
            self._log_in(contact, rng)
        except (OSError, http.client.HTTPException):
            self._count("unreachable")

    def _log_in(self, contact: Contact, rng: random.Random) -> None:
        """What has its moment at a gated feature is seen only by those who try it this time."""
        headers = self._headers(contact, rng)
        for message in self._messages(headers):
            feature = _feature_of(message)
            if feature and message["id"] not in self._seen:
                if rng.random() >= self._world.habits.tries_gated_feature:
                    continue
                self._try(GATED_FEATURES[0] if feature == ANY_FEATURE else feature, headers)
            self._show_once(contact, message, headers, rng)

    def _headers(self, contact: Contact, rng: random.Random) -> dict[str, str]:
        token = self.token_of(contact)
        return {"Authorization": f"Bearer {token}", "User-Agent": rng.choice(BROWSERS), "Accept": "application/json"}

    def _messages(self, headers: dict[str, str]) -> list[dict[str, Any]]:
        reply = self._product.call("GET", FEED, headers=headers)
        self._count(f"feed.{reply.status}")
        return list(json.loads(reply.body).get("messages", [])) if reply.status == 200 else []

    def _show_once(
        self, contact: Contact, message: dict[str, Any], headers: dict[str, str], rng: random.Random
    ) -> None:
        if message["id"] not in self._seen:
            self._seen.add(message["id"])
            self._show(contact, message, headers, rng)

    def _show(self, contact: Contact, message: dict[str, Any], headers: dict[str, str], rng: random.Random) -> None:
        now = clock.utcnow()
        self._report(message, "impression", headers, at=now)
        self.truth.record_banner(account_id=contact.account_id, at=now)
        state = self.truth.accounts[contact.account_id]
        links = links_of(str(message.get("html", "")))
        if state.cause == "banner" and not state.upgraded_at:
            self._report(message, "click", headers, at=now)
            decided_at = now + timedelta(hours=rng.uniform(0.1, 48))
            self._agenda.add(
                at=decided_at,
                lane=contact.account_id,
                deed=lambda: self._accept(contact.account_id, links, contact.language),
            )
            return
        draw = rng.random()
        if draw < self._world.habits.banner_clicks:
            self._report(message, "click", headers, at=now)
            Visitor(self._product, agent=headers["User-Agent"], language=contact.language).look_at_offer(links)
        elif draw < self._world.habits.banner_clicks + self._world.habits.banner_dismissals:
            self._report(message, "dismiss", headers, at=now)

    def _try(self, feature: str, headers: dict[str, str]) -> None:
        self._tell({"type": "gate", "feature": feature, "at": clock.utcnow().isoformat()}, headers)

    def _report(self, message: dict[str, Any], kind: str, headers: dict[str, str], *, at: datetime) -> None:
        self._tell({"type": kind, "message": message["id"], "at": at.isoformat()}, headers)

    def _tell(self, event: dict[str, Any], headers: dict[str, str]) -> None:
        body = json.dumps({"events": [{"id": str(uuid.uuid4()), **event}]}).encode()
        reply = self._product.call("POST", EVENTS, body=body, headers={**headers, "Content-Type": "application/json"})
        self._count(f"{event['type']}.{reply.status}")

    def _count(self, name: str) -> None:
        with self._lock:
            self.counts[name] = self.counts.get(name, 0) + 1


def _feature_of(message: dict[str, Any]) -> str:
    """The gated feature at which a message shows; empty: at none."""
    return str((message.get("place") or {}).get("feature") or "")


def links_of(html: str) -> list[str]:
    """Absolute and site-relative addresses of a banner."""
    found = [unescape(each) for each in (*HREF.findall(html), *LINK.findall(html))]
    return list(dict.fromkeys(found))


def _part(document: dict[str, Any]) -> str:
    return _encode(json.dumps(document, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
