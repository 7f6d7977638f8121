"""The CRM: contacts, companies, deals, tickets, tasks and what joins them, in HubSpot's words."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable
from typing import Any

from orchestrator import clock
from orchestrator.sandbox.crm_objects import iso
from orchestrator.sandbox.hubspot_store import CrmError, CrmStore, Record
from orchestrator.sandbox.wire import Answer, Request

MAX_PAGE = 100
MAX_SEARCH_PAGE = 200
MAX_BATCH = 100
SEARCH_CEILING = 10_000
TYPE = r"(?P<kind>[a-z0-9\-]+)"
LIMIT_HEADERS = {
    "X-HubSpot-RateLimit-Max": "190",
    "X-HubSpot-RateLimit-Remaining": "189",
    "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
}


class HubSpot:
    def __init__(self, store: CrmStore) -> None:
        self.store = store
        self._lock = threading.RLock()
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
            (method, re.compile(pattern), view)
            for method, pattern, view in (
                ("GET", rf"/crm/v3/objects/{TYPE}", self._page),
                ("POST", rf"/crm/v3/objects/{TYPE}", self._create),
                ("POST", rf"/crm/v3/objects/{TYPE}/search", self._search),
                ("POST", rf"/crm/v3/objects/{TYPE}/batch/(?P<act>read|upsert|create|update|archive)", self._batch),
                ("GET", rf"/crm/v3/objects/{TYPE}/(?P<key>[^/]+)", self._get),
                ("PATCH", rf"/crm/v3/objects/{TYPE}/(?P<key>[^/]+)", self._update),
                ("DELETE", rf"/crm/v3/objects/{TYPE}/(?P<key>[^/]+)", self._archive),
                ("GET", rf"/crm/v3/properties/{TYPE}", self._properties),
                ("POST", rf"/crm/v3/properties/{TYPE}", self._new_property),
                ("GET", rf"/crm/v3/properties/{TYPE}/groups", self._groups),
                ("POST", rf"/crm/v3/properties/{TYPE}/groups", self._new_group),
                ("GET", rf"/crm/v3/properties/{TYPE}/(?P<name>[^/]+)", self._property),
                ("PUT", rf"/crm/v4/objects/{TYPE}/(?P<key>[^/]+)/associations/default/(?P<to>[^/]+)/(?P<to_key>[^/]+)",
                 self._associate),
                ("GET", rf"/crm/v4/objects/{TYPE}/(?P<key>[^/]+)/associations/(?P<to>[^/]+)", self._associations),
                ("POST", rf"/crm/v4/associations/{TYPE}/(?P<to>[^/]+)/batch/associate/default", self._associate_batch),
                ("POST", rf"/crm/v4/associations/{TYPE}/(?P<to>[^/]+)/batch/read", self._associations_batch),
            )
        ]  # fmt: skip

    def answer(self, request: Request) -> Answer:
        if not request.bearer:
            return problem(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION")
        for method, pattern, view in self._routes:
            match = pattern.fullmatch(request.path)
            if not match or method != request.method:
                continue
            with self._lock:
                try:
                    answer = view(request, **match.groupdict())
                except CrmError as error:
                    return problem(error.status, str(error), error.category)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    return problem(400, f"Invalid input JSON: {error}", "VALIDATION_ERROR")
            return Answer(answer.status, answer.body, {**LIMIT_HEADERS, **answer.headers})
        return problem(404, "No matching route.", "OBJECT_NOT_FOUND")

    def rate_limited(self, *, retry_after_s: int) -> Answer:
        body = {
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": str(uuid.uuid4()),
            "category": "RATE_LIMITS",
            "policyName": "TEN_SECONDLY_ROLLING",
        }
        headers = {**LIMIT_HEADERS, "X-HubSpot-RateLimit-Remaining": "0", "Retry-After": str(retry_after_s)}
        return Answer(429, body, headers)

    def broken(self) -> Answer:
        return problem(502, "There was a problem with the request.", "SERVER_ERROR")

    # Objects, one by one

    def _page(self, request: Request, kind: str) -> Answer:
        limit = int(request.parameter("limit", "10"))
        if not 1 <= limit <= MAX_PAGE:
            raise CrmError(f"limit must be between 1 and {MAX_PAGE}.")
        archived = request.parameter("archived").lower() == "true"
        rows = [row for row in self.store.all(kind) if row.archived is archived]
        after = request.parameter("after")
        if after:
            rows = [row for row in rows if int(row.id) > int(after)]
        properties, joined = _names(request, "properties"), _names(request, "associations")
        shown = [self._render(row, properties, joined) for row in rows[:limit]]
        if len(rows) <= limit:
            return Answer(200, {"results": shown})
        following = rows[limit - 1].id
        return Answer(200, {"results": shown, "paging": {"next": {"after": following, "link": f"?after={following}"}}})

    def _get(self, request: Request, kind: str, key: str) -> Answer:
        row = self.store.find(kind, key, id_property=request.parameter("idProperty"))
        return Answer(200, self._render(row, _names(request, "properties"), _names(request, "associations")))

    def _create(self, request: Request, kind: str) -> Answer:
        body = request.json()
        row = self.store.create(kind, body["properties"])
        self._join_new(row, body)
        return Answer(201, self._render(row))

    def _update(self, request: Request, kind: str, key: str) -> Answer:
        row = self.store.find(kind, key, id_property=request.parameter("idProperty"))
        self.store.update(row, request.json()["properties"])
        return Answer(200, self._render(row))

    def _archive(self, request: Request, kind: str, key: str) -> Answer:
        self.store.archive(self.store.find(kind, key))
        return Answer(204)

    # Batches

    def _batch(self, request: Request, kind: str, act: str) -> Answer:
        body = request.json()
        inputs = body["inputs"]
        if len(inputs) > MAX_BATCH:
            raise CrmError(f"At most {MAX_BATCH} inputs per batch, not {len(inputs)}.")
        if act in {"upsert", "create", "update"}:
            for each in inputs:
                self.store.check_names(kind, each["properties"])
        results, errors = [], []
        for each in inputs:
            try:
                results.append(self._one(kind, act, each, body))
            except CrmError as error:
                errors.append(_part(error, each))
        if act == "archive":
            return Answer(204)
        moment = iso(clock.utcnow())
        answer: dict[str, Any] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": moment,
            "completedAt": moment,
        }
        if errors:
            answer |= {"numErrors": len(errors), "errors": errors}
        created = 201 if act == "create" else 200
        return Answer(207 if errors else created, answer)

    def _one(self, kind: str, act: str, each: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        if act == "create":
            row = self.store.create(kind, each["properties"])
            self._join_new(row, each)
            return self._render(row)
        if act == "upsert":
            row, is_new = self.store.upsert(kind, each["id"], each.get("idProperty") or "", each["properties"])
            return {**self._render(row), "new": is_new}
        row = self.store.find(kind, each["id"], id_property=each.get("idProperty") or body.get("idProperty") or "")
        if act == "update":
            self.store.update(row, each["properties"])
        if act == "archive":
            self.store.archive(row)
        return self._render(row, body.get("properties"))

    def _search(self, request: Request, kind: str) -> Answer:
        body = request.json()
        limit, after = int(body.get("limit") or 10), int(body.get("after") or 0)
        if not 1 <= limit <= MAX_SEARCH_PAGE:
            raise CrmError(f"limit must be between 1 and {MAX_SEARCH_PAGE}.")
        if after + limit > SEARCH_CEILING:
            raise CrmError(f"A search shows at most {SEARCH_CEILING} results: narrow the filters.")
        rows = self.store.search(kind, body.get("filterGroups") or [], body.get("sorts") or [])
        shown = [self._render(row, body.get("properties") or None) for row in rows[after : after + limit]]
        more = {"paging": {"next": {"after": str(after + limit)}}} if len(rows) > after + limit else {}
        return Answer(200, {"total": len(rows), "results": shown, **more})

    # Properties

    def _properties(self, request: Request, kind: str) -> Answer:
        return Answer(200, {"results": list(self.store.properties(kind).values())})

    def _property(self, request: Request, kind: str, name: str) -> Answer:
        return Answer(200, self.store.property(kind, name))

    def _new_property(self, request: Request, kind: str) -> Answer:
        return Answer(201, self.store.add_property(kind, request.json()))

    def _groups(self, request: Request, kind: str) -> Answer:
        return Answer(200, {"results": list(self.store.groups(kind).values())})

    def _new_group(self, request: Request, kind: str) -> Answer:
        return Answer(201, self.store.add_group(kind, request.json()))

    # Associations

    def _associate(self, request: Request, kind: str, key: str, to: str, to_key: str) -> Answer:
        result = self._join(kind, key, to, to_key)
        return Answer(200, _complete([result]))

    def _associate_batch(self, request: Request, kind: str, to: str) -> Answer:
        inputs = request.json()["inputs"]
        results = [self._join(kind, each["from"]["id"], to, each["to"]["id"]) for each in inputs]
        return Answer(200, _complete(results))

    def _join(self, kind: str, key: str, to: str, to_key: str) -> dict[str, Any]:
        one, other = self.store.find(kind, key), self.store.find(to, to_key)
        self.store.join(one, other)
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _type_id(one.kind, other.kind)}
        return {"from": {"id": one.id}, "to": {"id": other.id}, "associationSpec": spec}

    def _associations(self, request: Request, kind: str, key: str, to: str) -> Answer:
        row = self.store.find(kind, key)
        return Answer(200, {"results": self._joined_v4(row, to)})

    def _associations_batch(self, request: Request, kind: str, to: str) -> Answer:
        results = []
        for each in request.json()["inputs"]:
            row = self.store.find(kind, each["id"])
            results.append({"from": {"id": row.id}, "to": self._joined_v4(row, to)})
        return Answer(200, _complete(results))

    def _joined_v4(self, row: Record, to: str) -> list[dict[str, Any]]:
        other = self.store.kind(to)
        types = [
            {"category": "HUBSPOT_DEFINED", "typeId": _type_id(row.kind, other), "label": "Primary"},
            {"category": "HUBSPOT_DEFINED", "typeId": _type_id(row.kind, other) + 278, "label": None},
        ]
        return [{"toObjectId": int(each), "associationTypes": types} for each in row.joined.get(other, ())]

    def _join_new(self, row: Record, body: dict[str, Any]) -> None:
        for link in body.get("associations") or ():
            target = self.store.find_anywhere(link["to"]["id"])
            self.store.join(row, target)

    def _render(
        self, row: Record, properties: list[str] | None = None, joined: list[str] | None = None
    ) -> dict[str, Any]:
        shown = self.store.render(row, properties)
        for name in joined or ():
            kind = self.store.kind(name)
            ids = row.joined.get(kind, ())
            if not ids:
                continue
            word = f"{_singular(row.kind)}_to_{_singular(kind)}"
            results = [{"id": each, "type": kind_of} for each in ids for kind_of in (word, f"{word}_unlabeled")]
            shown.setdefault("associations", {})[kind] = {"results": results}
        return shown


def problem(status: int, message: str, category: str) -> Answer:
    body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category}
    return Answer(status, body)


def _part(error: CrmError, each: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": "error",
        "category": error.category,
        "message": str(error),
        "context": {"ids": [str(each.get("id", ""))]},
    }


def _complete(results: list[dict[str, Any]]) -> dict[str, Any]:
    moment = iso(clock.utcnow())
    return {"status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment}


def _names(request: Request, parameter: str) -> list[str] | None:
    """Both `a,b` and repeated parameters are in use."""
    values = [name for value in request.query.get(parameter, ()) for name in value.split(",") if name]
    return values or None


def _singular(kind: str) -> str:
    return "company" if kind == "companies" else kind.removesuffix("s")


def _type_id(kind: str, other: str) -> int:
    """HubSpot's numbers of the primary associations."""
    known = {
        ("contacts", "companies"): 1, ("companies", "contacts"): 2, ("deals", "contacts"): 3, ("contacts", "deals"): 4,
        ("deals", "companies"): 5, ("companies", "deals"): 6, ("tickets", "contacts"): 16, ("contacts", "tickets"): 15,
        ("tickets", "companies"): 26, ("companies", "tickets"): 25, ("tasks", "contacts"): 204,
        ("contacts", "tasks"): 203, ("tasks", "companies"): 192, ("companies", "tasks"): 191,
    }  # fmt: skip
    return known.get((kind, other), 0)
