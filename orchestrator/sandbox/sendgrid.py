"""The e-mail provider: takes mail as its v3 document says, keeps the list of what it took."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import itertools
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator import clock
from orchestrator.sandbox import sendgrid_rules
from orchestrator.sandbox.sendgrid_lists import SuppressionLists
from orchestrator.sandbox.wire import Answer, Request

MAX_MESSAGE = 30 * 1024 * 1024
LINK = re.compile(r"https?://[^\s\"'<>()\[\]]+")
# A mail's content is kept for this many mails, its fingerprint for all.
KEPT_CONTENTS = 2000
WEBHOOK_ID = "77d4a5da-7015-11ed-a1eb-0242ac120002"


@dataclass(slots=True)
class Mail:
    """One accepted message for one recipient, already filled in. `answer` is what the caller got to see.

    `fingerprint` is the SHA-256 of subject, plain text and HTML as they arrived, a zero byte between them.
    """

    number: int
    provider_id: str
    to: str
    subject: str
    headers: Mapping[str, str]
    categories: tuple[str, ...]
    arguments: Mapping[str, str]
    at: datetime
    user_agent: str
    links: tuple[str, ...] = ()
    fingerprint: str = ""
    answer: str = "202"
    event_numbers: itertools.count[int] = field(default_factory=itertools.count)

    def line(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "provider_id": self.provider_id,
            "message": self.arguments.get("crescendo_message"),
            "attempt": self.arguments.get("crescendo_attempt"),
            "to": self.to,
            "subject": self.subject,
            "headers": dict(self.headers),
            "categories": list(self.categories),
            "custom_args": dict(self.arguments),
            "at": self.at.isoformat(),
            "answer": self.answer,
            "user_agent": self.user_agent,
            "links": list(self.links),
            "sha256": self.fingerprint,
        }


class SendGrid:
    """`take` is called with every accepted mail, after it was written down and before the answer."""

    def __init__(self, *, public_key: str, take: Callable[[Mail], None], lists: SuppressionLists | None = None) -> None:
        self._public_key = public_key
        self.lists = lists or SuppressionLists()
        self._take = take
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.accepted: list[Mail] = []
        self._contents: OrderedDict[int, dict[str, str]] = OrderedDict()

    def answer(self, request: Request) -> Answer:
        if not request.bearer:
            return Answer(401, {"errors": [{"message": "authorization required", "field": None, "help": None}]})
        if request.path == "/v3/mail/send":
            return self._send(request) if request.method == "POST" else _error(405, "method not allowed")
        if request.path == "/v3/mail/batch" and request.method == "POST":
            return Answer(201, {"batch_id": f"batch{next(self._numbers)}"})
        if request.path.startswith("/v3/user/webhooks/event/settings/signed"):
            identifier = request.path.removeprefix("/v3/user/webhooks/event/settings/signed").strip("/")
            return Answer(200, {"id": identifier or WEBHOOK_ID, "public_key": self._public_key})
        if request.path == "/v3/user/webhooks/event/settings/all":
            return Answer(200, {"max_allowed": 5, "webhooks": [{"id": WEBHOOK_ID, "enabled": True}]})
        return self.lists.answer(request) or _error(404, "not found")

    def rate_limited(self, *, retry_after_s: int) -> Answer:
        reset = str(int(clock.wall_now().timestamp()) + retry_after_s)
        headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        return Answer(429, {"errors": [{"field": None, "message": "too many requests"}]}, headers)

    def broken(self) -> Answer:
        return Answer(500, {"errors": [{"message": "internal server error"}]})

    def _send(self, request: Request) -> Answer:
        if len(request.body) > MAX_MESSAGE:
            return _error(413, "content too large")
        try:
            mail = request.json()
        except ValueError:
            return _error(400, "Bad Request")
        troubles = sendgrid_rules.troubles_of(mail)
        if troubles:
            return Answer(400, sendgrid_rules.refusal(troubles))
        if _is_rehearsal(mail):
            return Answer(200)
        number = next(self._numbers)
        provider_id = _opaque(f"request:{number}:{clock.wall_now().isoformat()}")
        now = clock.utcnow()
        made = [_mail(next(self._numbers), provider_id, mail, row, now, request) for row in mail["personalizations"]]
        mails = [each for each, _ in made]
        with self._lock:
            self.accepted.extend(mails)
            self._contents.update((each.number, content) for each, content in made)
            while len(self._contents) > KEPT_CONTENTS:
                self._contents.popitem(last=False)
        for each in mails:
            self._take(each)
        return Answer(202, None, {"X-Message-Id": provider_id})

    def content(self, number: int) -> dict[str, str]:
        """What arrived, by MIME type, of one of the newest mails; empty for an older one."""
        with self._lock:
            return dict(self._contents.get(number, {}))

    def mark(self, provider_id: str, *, answer: str) -> None:
        """The caller was told something else than yes: it goes into the log beside the acceptance."""
        with self._lock:
            for mail in self.accepted[-2 * sendgrid_rules.MAX_PERSONALIZATIONS :]:
                if mail.provider_id == provider_id:
                    mail.answer = answer


def _mail(
    number: int, provider_id: str, whole: Mapping[str, Any], row: Mapping[str, Any], now: datetime, request: Request
) -> tuple[Mail, dict[str, str]]:
    """The mail, and its content by MIME type."""
    fill = _filler(row.get("substitutions") or {})
    content = {part["type"]: fill(part["value"]) for part in whole.get("content") or ()}
    subject = fill(row.get("subject") or whole.get("subject") or "")
    headers = {**(whole.get("headers") or {}), **(row.get("headers") or {})}
    mail = Mail(
        number=number,
        provider_id=provider_id,
        to=row["to"][0]["email"].lower(),
        subject=subject,
        headers={name: fill(value) for name, value in headers.items()},
        categories=tuple(whole.get("categories") or ()),
        arguments={**(whole.get("custom_args") or {}), **(row.get("custom_args") or {})},
        at=now,
        user_agent=request.headers.get("user-agent", ""),
        links=tuple(dict.fromkeys(html.unescape(link) for part in content.values() for link in LINK.findall(part))),
        fingerprint=fingerprint(subject, content.get("text/plain", ""), content.get("text/html", "")),
    )
    return mail, content


def fingerprint(subject: str, text: str, markup: str) -> str:
    return hashlib.sha256("\x00".join((subject, text, markup)).encode(errors="surrogatepass")).hexdigest()


def _filler(substitutions: Mapping[str, str]) -> Callable[[str], str]:
    """All tags in one pass, the longest first, so that no value is filled in twice."""
    if not substitutions:
        return lambda text: text
    pattern = _any_of(tuple(substitutions))
    return lambda text: pattern.sub(lambda match: substitutions[match.group(0)], text)


@functools.lru_cache(maxsize=64)
def _any_of(tags: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(tag) for tag in sorted(tags, key=len, reverse=True)))


def _is_rehearsal(mail: Mapping[str, Any]) -> bool:
    settings = mail.get("mail_settings") or {}
    return bool((settings.get("sandbox_mode") or {}).get("enable"))


def _opaque(seed: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(seed.encode()).digest()[:16]).decode().rstrip("=")


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"errors": [{"message": message, "field": None, "help": None}]})
