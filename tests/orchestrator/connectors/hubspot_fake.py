"""As much of HubSpot as the connector asks of it, with its real limits: batches of 100, search to 10,000."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.contracts.provider import Received, Reply

CEILING = 10_000


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class HubSpotFake:
    """`records[object]` are the vendor's JSON objects; properties named in `refused` make a whole batch fail."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, dict[str, Any]]] = {
            name: {} for name in ("companies", "contacts", "deals", "tickets", "tasks")
        }
        self.properties: set[str] = set()
        self.links: list[tuple[str, str, str, str]] = []
        self.deepest_search = 0

    def add(
        self,
        name: str,
        id: str,
        /,
        *,
        ms: int,
        archived: bool = False,
        companies: Sequence[str] = (),
        contacts: Sequence[str] = (),
        **properties,
    ):
        stamp = "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"
        if companies and name == "contacts":
            properties["associatedcompanyid"] = companies[0]
        self.records[name][id] = {
            "id": id,
            "properties": {stamp: iso(ms), "hs_object_id": id, **properties},
            "createdAt": iso(ms),
            "updatedAt": iso(ms),
            "archived": archived,
            "_companies": list(companies),
            "_contacts": list(contacts),
        }

    def __call__(self, request: Received) -> Reply:
        url = urlsplit(request.path)
        parts = url.path.strip("/").split("/")
        if parts[:2] == ["crm", "v4"] and parts[6] == "read":
            return self._linked(parts[3], parts[4], request.json["inputs"])
        if parts[:2] == ["crm", "v4"]:
            return self._associate(parts[3], parts[4], request.json["inputs"])
        if parts[2] == "properties":
            return self._create_property(parts[3], request.json)
        name = parts[3]
        if request.method == "GET":
            return self._page(name, parse_qs(url.query))
        if parts[4] == "search":
            return self._search(name, request.json)
        return self._batch(name, parts[5], request.json["inputs"])

    def _page(self, name: str, query: dict[str, list[str]]) -> Reply:
        archived = query.get("archived", ["false"])[0].lower() == "true"
        rows = [row for row in self.records[name].values() if row["archived"] == archived]
        after, limit = int(query.get("after", ["0"])[0]), int(query["limit"][0])
        results = [self._view(row, query["properties"]) for row in rows[after : after + limit]]
        if "companies" in query.get("associations", []):
            for row, result in zip(rows[after : after + limit], results, strict=True):
                result["associations"] = {"companies": {"results": _links(row["_companies"])}}
        return _paged({"results": results}, after + limit, len(rows))

    def _search(self, name: str, asked: dict[str, Any]) -> Reply:
        rows = [row for row in self.records[name].values() if not row["archived"]]
        for group in asked["filterGroups"]:
            rows = [row for row in rows if all(_holds(row["properties"], one) for one in group["filters"])]
        [sort] = asked["sorts"]
        rows.sort(key=lambda row: _comparable(row["properties"][sort["propertyName"]]))
        if sort["direction"] == "DESCENDING":
            rows.reverse()
        after, limit = int(asked["after"]), asked["limit"]
        self.deepest_search = max(self.deepest_search, after + limit)
        if after + limit > CEILING:
            return Reply.of_json({"status": "error", "message": "too deep", "category": "VALIDATION_ERROR"}, 400)
        results = [self._view(row, asked["properties"]) for row in rows[after : after + limit]]
        return _paged({"total": len(rows), "results": results}, after + limit, len(rows))

    def _view(self, row: dict[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
        kept = {name: row["properties"].get(name) for name in wanted}
        return {**{key: value for key, value in row.items() if not key.startswith("_")}, "properties": kept}

    def _batch(self, name: str, verb: str, inputs: list[dict[str, Any]]) -> Reply:
        if len(inputs) > 100 or len({one["id"] for one in inputs}) < len(inputs):
            return _error(400, "VALIDATION_ERROR", "batch too large or with repeated ids")
        if any("bad" in one["properties"].values() for one in inputs):
            return _error(400, "VALIDATION_ERROR", "bad is not valid, ask dana@customer.example")
        results, errors = [], []
        for one in inputs:
            row = self._row(name, one, verb)
            if row is None:
                context = {"ids": [one["id"]]}
                message = f"Could not get some {name} objects, they may be deleted"
                errors.append(
                    {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": context}
                )
                continue
            row["properties"].update(one["properties"])
            results.append({**self._view(row, list(row["properties"])), "new": False})
        body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": iso(0), "completedAt": iso(0)}
        if errors:
            body |= {"errors": errors, "numErrors": len(errors)}
        return Reply.of_json(body, 207 if errors else 200)

    def _row(self, name: str, one: dict[str, Any], verb: str) -> dict[str, Any] | None:
        if verb == "update":
            return self.records[name].get(one["id"])
        key = one["idProperty"]
        for row in self.records[name].values():
            if row["properties"].get(key) == one["id"]:
                return row
        self.add(name, str(9000 + len(self.records[name])), ms=0)
        return list(self.records[name].values())[-1]

    def _associate(self, source: str, target: str, inputs: list[dict[str, Any]]) -> Reply:
        unknown = [one for one in inputs if one["to"]["id"] not in self.records[target]]
        if unknown:
            return _error(404, "OBJECT_NOT_FOUND", "no such object")
        self.links += [(source, one["from"]["id"], target, one["to"]["id"]) for one in inputs]
        body = {"status": "COMPLETE", "results": [], "startedAt": iso(0), "completedAt": iso(0)}
        return Reply.of_json(body)

    def _linked(self, source: str, target: str, inputs: list[dict[str, Any]]) -> Reply:
        """A record without links is reported as an error, as the vendor does."""
        links = {one["id"]: self.records[source][one["id"]][f"_{target}"] for one in inputs}
        results = [
            {"from": {"id": id}, "to": [_labelled(other, other == others[0]) for other in reversed(others)]}
            for id, others in links.items()
            if others
        ]
        body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": iso(0), "completedAt": iso(0)}
        missing = [id for id, others in links.items() if not others]
        if missing:
            error = {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": "No links",
                "context": {"ids": missing},
            }
            body |= {"errors": [error], "numErrors": 1}
        return Reply.of_json(body, 207 if missing else 200)

    def _create_property(self, name: str, asked: dict[str, Any]) -> Reply:
        if f"{name}.{asked['name']}" in self.properties:
            return _error(409, "OBJECT_ALREADY_EXISTS", "exists")
        self.properties.add(f"{name}.{asked['name']}")
        return Reply.of_json({**asked, "options": []}, 201)


def _paged(body: dict[str, Any], following: int, total: int) -> Reply:
    if following < total:
        body["paging"] = {"next": {"after": str(following), "link": "?"}}
    return Reply.of_json(body)


def _links(companies: Sequence[str]) -> list[dict[str, str]]:
    unlabelled = [{"id": id, "type": "contact_to_company_unlabeled"} for id in reversed(companies)]
    return [*unlabelled, *({"id": id, "type": "contact_to_company"} for id in companies[:1])]


def _labelled(other: str, is_primary: bool) -> dict[str, Any]:
    types = [{"category": "HUBSPOT_DEFINED", "typeId": 339, "label": None}]
    primary = [{"category": "HUBSPOT_DEFINED", "typeId": 26, "label": "Primary"}] if is_primary else []
    return {"toObjectId": int(other), "associationTypes": [*types, *primary]}


def _holds(properties: dict[str, Any], condition: dict[str, str]) -> bool:
    left, right = _comparable(properties[condition["propertyName"]]), int(condition["value"])
    return {"GTE": left >= right, "GT": left > right, "EQ": left == right}[condition["operator"]]


def _comparable(value: str) -> int:
    if value.isdigit():
        return int(value)
    return round(datetime.fromisoformat(value).timestamp() * 1000)


def _error(status: int, category: str, message: str) -> Reply:
    return Reply.of_json({"status": "error", "category": category, "message": message, "correlationId": "x"}, status)


def received_searches(requests: Sequence[Received]) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in requests if request.path.endswith("/search")]
