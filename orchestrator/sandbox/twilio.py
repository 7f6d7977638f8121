"""The SMS provider: takes text messages as its document says, keeps the list of what it took and of who said STOP."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from orchestrator import clock
from orchestrator.sandbox import twilio_rules as rules
from orchestrator.sandbox.sendgrid import LINK
from orchestrator.sandbox.wire import Answer, Request
from orchestrator.templating.sms import count_segments

CONSENTS = "/v1/Consents/Bulk"
MOST_CONSENTS = 25
MESSAGES = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/Messages\.json")
API_VERSION = "2010-04-01"


@dataclass(slots=True)
class Text:
    """One accepted text message. `answer` is what the caller got to see, `sender` the service or the number."""

    number: int
    sid: str
    account: str
    to: str
    sender: str
    service: str
    body: str
    callback: str
    validity_s: int
    at: datetime
    user_agent: str
    links: tuple[str, ...] = ()
    answer: str = "201"

    @property
    def message(self) -> str:
        """The product's own id: the last part of the address it wants reports at."""
        return self.callback.rstrip("/").rpartition("/")[2]

    @property
    def can_be_answered(self) -> bool:
        return bool(self.service) or not any(letter.isalpha() for letter in self.sender)

    def line(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "provider_id": self.sid,
            "message": self.message,
            "attempt": None,
            "to": self.to,
            "from": self.sender,
            "body": self.body,
            "segments": count_segments(self.body).segments,
            "status_callback": self.callback,
            "validity_period": self.validity_s,
            "at": self.at.isoformat(),
            "answer": self.answer,
            "user_agent": self.user_agent,
            "links": list(self.links),
        }


class Twilio:
    """`take` is told of every message taken; `is_mobile` says whether a number can get any."""

    def __init__(
        self, *, auth_token: str, take: Callable[[Text], None], is_mobile: Callable[[str], bool] = lambda number: True
    ) -> None:
        self._auth_token, self._take, self._is_mobile = auth_token, take, is_mobile
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._stopped: set[tuple[str, str]] = set()
        self.accepted: list[Text] = []

    def answer(self, request: Request) -> Answer:
        if request.path == CONSENTS and request.method == "POST":
            return self._take_consents(request)
        match = MESSAGES.fullmatch(request.path)
        if match is None or request.method != "POST":
            return refusal(404, 20404)
        account = match.group(1)
        if not self._may_enter(request, account):
            return refusal(401, 20003)
        try:
            pairs = parse_qsl(request.body.decode("utf-8"), keep_blank_values=True, errors="strict")
        except ValueError:
            return refusal(400, 20001, "the form is not UTF-8")
        form = dict(pairs)
        return self._create(account, form, request.headers.get("user-agent", ""))

    def rate_limited(self, *, retry_after_s: int) -> Answer:
        body = {"code": 20429, "message": "Too Many Requests", "more_info": _more(20429), "status": 429}
        return Answer(429, body, {"Retry-After": str(retry_after_s)})

    def broken(self) -> Answer:
        return Answer(
            500, {"code": 20500, "message": "Internal Server Error", "more_info": _more(20500), "status": 500}
        )

    def mark(self, sid: str, *, answer: str) -> None:
        """The caller was told something else than yes: it goes into the log beside the acceptance."""
        with self._lock:
            for text in reversed(self.accepted[-1000:]):
                if text.sid == sid:
                    text.answer = answer
                    return

    def stop(self, text: Text) -> None:
        """The person said one of the provider's own words for it: no more from this sender or service."""
        with self._lock:
            self._stopped.add((_pool(text.service, text.sender), text.to))

    def start(self, text: Text) -> None:
        with self._lock:
            self._stopped.discard((_pool(text.service, text.sender), text.to))

    def stopped(self) -> int:
        with self._lock:
            return len(self._stopped)

    def _take_consents(self, request: Request) -> Answer:
        """Who said no, or yes again, elsewhere than in a text; for a service or a number."""
        if not self._may_enter(request):
            return refusal(401, 20003)
        try:
            items = [json.loads(value) for name, value in parse_qsl(request.body.decode()) if name == "Items"]
        except ValueError:
            return refusal(400, 20001, "the items are no JSON")
        if not 1 <= len(items) <= MOST_CONSENTS:
            return refusal(400, 20001, "one to 25 items are taken")
        with self._lock:
            rows = [self._take_consent(item) for item in items]
        return Answer(201, {"items": rows})

    def _take_consent(self, item: Mapping[str, Any]) -> dict[str, Any]:
        pair = (str(item.get("sender_id", "")), str(item.get("contact_id", "")))
        is_known = pair[1].startswith("+") and item.get("status") in ("opt-in", "opt-out")
        if is_known and item["status"] == "opt-out":
            self._stopped.add(pair)
        elif is_known:
            self._stopped.discard(pair)
        words = [] if is_known else ["contact_id or status is not valid"]
        return {
            "correlation_id": item.get("correlation_id"),
            "error_code": 0 if is_known else 30646,
            "error_messages": words,
        }

    def _may_enter(self, request: Request, account: str = "") -> bool:
        """`account` is the one in the address; where none is in it, the one that asks."""
        try:
            name, _, secret = base64.b64decode(request.bearer, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return False
        return name == (account or name) and hmac.compare_digest(secret.encode(), self._auth_token.encode())

    def _create(self, account: str, form: Mapping[str, str], user_agent: str) -> Answer:
        trouble = rules.trouble_of(form) or self._trouble_of_the_number(form)
        if trouble:
            return refusal(400, *trouble)
        number = next(self._numbers)
        text = Text(
            number=number,
            sid=_sid(f"{account}:{number}:{clock.wall_now().isoformat()}"),
            account=account,
            to=form["To"],
            sender=form.get("From", ""),
            service=form.get("MessagingServiceSid", ""),
            body=form["Body"],
            callback=form.get("StatusCallback", ""),
            validity_s=int(form.get("ValidityPeriod", rules.LONGEST_VALIDITY_S)),
            at=clock.utcnow(),
            user_agent=user_agent,
            links=tuple(dict.fromkeys(LINK.findall(form["Body"]))),
        )
        with self._lock:
            self.accepted.append(text)
        self._take(text)
        return Answer(201, _resource(text))

    def _trouble_of_the_number(self, form: Mapping[str, str]) -> tuple[int, str] | None:
        to = form["To"]
        with self._lock:
            has_stopped = (_pool(form.get("MessagingServiceSid", ""), form.get("From", "")), to) in self._stopped
        if has_stopped:
            return 21610, ""
        return None if self._is_mobile(to) else (21614, to)


def refusal(status: int, code: int, about: str = "") -> Answer:
    words = rules.WORDS[code].format(about)
    return Answer(status, {"code": code, "message": words, "more_info": _more(code), "status": status})


def _more(code: int) -> str:
    return f"https://www.twilio.com/docs/errors/{code}"


def _pool(service: str, sender: str) -> str:
    """Who a STOP is said to: with a service to all of its numbers, without one to this number alone."""
    return service or sender


def _sid(seed: str) -> str:
    return "SM" + hashlib.sha256(seed.encode()).hexdigest()[:32]


def _resource(text: Text) -> dict[str, Any]:
    now = format_datetime(text.at)
    base = f"/{API_VERSION}/Accounts/{text.account}/Messages/{text.sid}"
    return {
        "account_sid": text.account,
        "api_version": API_VERSION,
        "body": text.body,
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": text.sender or None,
        "messaging_service_sid": text.service or None,
        "num_media": "0",
        "num_segments": str(count_segments(text.body).segments),
        "price": None,
        "price_unit": None,
        "sid": text.sid,
        "status": "accepted" if text.service else "queued",
        "subresource_uris": {"media": f"{base}/Media.json"},
        "to": text.to,
        "uri": f"{base}.json",
    }
