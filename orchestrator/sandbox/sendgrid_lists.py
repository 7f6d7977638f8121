"""The e-mail provider's own lists: unsubscribe groups, the global one, bounces, complaints."""

from __future__ import annotations

import itertools
import threading
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from orchestrator import clock
from orchestrator.sandbox.wire import Answer, Request

LONGEST_PAGE = 500
_KINDS = {"bounces": "bounce", "spam_reports": "spamreport", "unsubscribes": "unsubscribe", "invalid_emails": "invalid"}


class SuppressionLists:
    """Kept in memory; `note` is told of everything that happens to a mail, also of what is never reported."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(17001)
        self._groups: dict[int, dict[str, Any]] = {}
        self._members: dict[int, dict[str, int]] = {}
        self._lists: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in _KINDS}

    def note(self, address: str, kind: str, *, at: datetime, detail: dict[str, Any]) -> None:
        name = next((name for name, word in _KINDS.items() if word == kind), None)
        if name is None or detail.get("type") == "blocked":
            return
        row = {"created": int(at.timestamp()), "email": address, "reason": detail.get("reason", ""), "status": "5.0.0"}
        with self._lock:
            self._lists[name].setdefault(address, row)

    def members(self) -> dict[str, list[str]]:
        """Group name -> who is in it: for the control page and for tests."""
        with self._lock:
            return {group["name"]: sorted(self._members[number]) for number, group in self._groups.items()}

    def answer(self, request: Request) -> Answer | None:
        """None where the path is none of these lists'."""
        parts = request.path.removeprefix("/v3/").strip("/").split("/")
        with self._lock:
            if parts[:2] == ["asm", "groups"]:
                return self._groups_answer(request, parts[2:])
            if parts[:3] == ["asm", "suppressions", "global"]:
                return self._global_answer(request, parts[3:])
            if len(parts) == 2 and parts[0] == "suppression" and parts[1] in self._lists and request.method == "GET":
                return self._page(request, parts[1])
        return None

    def _groups_answer(self, request: Request, rest: list[str]) -> Answer | None:
        if not rest:
            return self._make_group(request) if request.method == "POST" else Answer(200, list(self._groups.values()))
        number = int(rest[0]) if rest[0].isdigit() else 0
        if number not in self._groups:
            return _missing()
        members = self._members[number]
        if rest[1:] == ["suppressions"] and request.method == "POST":
            wanted = _recipients(request)
            if wanted is None:
                return _bad("recipient_emails must be a list of addresses")
            members.update({address: _now() for address in wanted if address not in members})
            return Answer(201, {"recipient_emails": wanted})
        if rest[1:] == ["suppressions"] and request.method == "GET":
            return Answer(200, sorted(members))
        if len(rest) == 3 and rest[1] == "suppressions" and request.method == "DELETE":
            members.pop(unquote(rest[2]).lower(), None)
            return Answer(204)
        return None

    def _make_group(self, request: Request) -> Answer:
        body = _document(request)
        if not isinstance(body.get("name"), str) or not body["name"] or not body.get("description"):
            return _bad("name and description are needed")
        number = next(self._ids)
        made = {"id": number, "name": body["name"], "description": body["description"], "is_default": False}
        self._groups[number], self._members[number] = made, {}
        return Answer(201, made)

    def _global_answer(self, request: Request, rest: list[str]) -> Answer | None:
        listed = self._lists["unsubscribes"]
        if not rest and request.method == "POST":
            wanted = _recipients(request)
            if wanted is None:
                return _bad("recipient_emails must be a list of addresses")
            listed.update({one: {"created": _now(), "email": one} for one in wanted if one not in listed})
            return Answer(201, {"recipient_emails": wanted})
        if rest and request.method == "DELETE":
            return Answer(204) if listed.pop(unquote(rest[0]).lower(), None) else _missing()
        return None

    def _page(self, request: Request, name: str) -> Answer:
        limit = min(int(request.parameter("limit", str(LONGEST_PAGE))), LONGEST_PAGE)
        offset = int(request.parameter("offset", "0"))
        rows = sorted(self._lists[name].values(), key=lambda row: (row["created"], row["email"]))
        return Answer(200, rows[offset : offset + limit])


def _document(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _recipients(request: Request) -> list[str] | None:
    wanted = _document(request).get("recipient_emails")
    if not isinstance(wanted, list) or not all(isinstance(one, str) and "@" in one for one in wanted):
        return None
    return [one.lower() for one in wanted]


def _now() -> int:
    return int(clock.utcnow().timestamp())


def _missing() -> Answer:
    return Answer(404, {"errors": [{"message": "resource not found", "field": None}]})


def _bad(words: str) -> Answer:
    return Answer(400, {"errors": [{"message": words, "field": None, "help": None}]})
