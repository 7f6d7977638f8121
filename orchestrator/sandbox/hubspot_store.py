"""The CRM's records: kept in memory, found by id or by a unique property, searched by filters."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from orchestrator import clock
from orchestrator.sandbox.crm_objects import CUSTOM_CONTACT_PROPERTIES, iso

KINDS = {
    "contacts": "contacts", "contact": "contacts", "0-1": "contacts",
    "companies": "companies", "company": "companies", "0-2": "companies",
    "deals": "deals", "deal": "deals", "0-3": "deals",
    "tickets": "tickets", "ticket": "tickets", "0-5": "tickets",
    "tasks": "tasks", "task": "tasks", "0-27": "tasks",
}  # fmt: skip
BUILT_IN = {
    "contacts": (
        "email", "firstname", "lastname", "phone", "hs_language", "hs_timezone", "country", "lifecyclestage",
        "associatedcompanyid",
    ),
    "companies": ("name", "domain", "country", "industry", "numberofemployees", "city", "lifecyclestage"),
    "deals": ("dealname", "amount", "dealstage", "pipeline", "closedate", "deal_currency_code", "description"),
    "tickets": (
        "subject", "content", "hs_ticket_priority", "hs_pipeline", "hs_pipeline_stage", "closed_date", "source_type",
    ),
    "tasks": (
        "hs_task_subject", "hs_task_body", "hs_task_status", "hs_task_priority", "hs_task_type", "hs_timestamp",
    ),
}  # fmt: skip
MODIFIED = {kind: "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate" for kind in BUILT_IN}
# Property groups that every HubSpot account has.
_OWN_GROUPS = ("task",)
FIRST_NEW_ID = 90_300_000_001


class CrmError(Exception):
    """A definite no in the vendor's words."""

    def __init__(self, message: str, *, status: int = 400, category: str = "VALIDATION_ERROR") -> None:
        super().__init__(message)
        self.status, self.category = status, category


@dataclass(slots=True)
class Record:
    kind: str
    id: str
    properties: dict[str, str | None]
    created: datetime
    updated: datetime
    archived: bool = False
    joined: dict[str, list[str]] = field(default_factory=dict)


class CrmStore:
    """Not safe by itself: the vendor's view holds the lock."""

    def __init__(
        self,
        *,
        companies: Iterable[Mapping[str, Any]],
        contacts: Iterable[Mapping[str, Any]],
        tickets: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self._rows: dict[str, dict[str, Record]] = {kind: {} for kind in BUILT_IN}
        self._order: dict[str, list[int]] = {kind: [] for kind in BUILT_IN}
        self._unique: dict[tuple[str, str], dict[str, str]] = {("contacts", "email"): {}}
        self._numbers = itertools.count(FIRST_NEW_ID)
        self._groups: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in BUILT_IN}
        self._properties = {
            kind: {name: _definition({"name": name}) for name in (*names, *_stamps(kind))}
            for kind, names in BUILT_IN.items()
        }
        for name in CUSTOM_CONTACT_PROPERTIES:
            self._properties["contacts"][name] = _definition({"name": name})
        for row in companies:
            self._insert(Record("companies", row["id"], dict(row["properties"]), row["createdAt"], row["updatedAt"]))
        for row in contacts:
            record = Record("contacts", row["id"], dict(row["properties"]), row["createdAt"], row["updatedAt"])
            self._insert(record)
            self.join(record, self._rows["companies"][row["company"]])
        for row in tickets:
            record = Record("tickets", row["id"], dict(row["properties"]), row["createdAt"], row["updatedAt"])
            self._insert(record)
            self.join(record, self._rows["companies"][row["company"]])
            if row["contact"]:
                self.join(record, self._rows["contacts"][row["contact"]])

    def kind(self, name: str) -> str:
        """Raises CrmError for a type that is not kept here."""
        if name not in KINDS:
            raise CrmError(f"Unable to infer object type from: {name}", category="VALIDATION_ERROR")
        return KINDS[name]

    def all(self, name: str) -> list[Record]:
        """By ascending id."""
        kind = self.kind(name)
        return [self._rows[kind][str(number)] for number in self._order[kind]]

    def find(self, name: str, key: str, *, id_property: str = "") -> Record:
        kind = self.kind(name)
        if id_property and id_property != "hs_object_id":
            key = self._index(kind, id_property).get(_norm(id_property, str(key)), "")
        row = self._rows[kind].get(str(key))
        if row is None:
            raise CrmError("resource not found", status=404, category="OBJECT_NOT_FOUND")
        return row

    def find_anywhere(self, key: str) -> Record:
        for rows in self._rows.values():
            if str(key) in rows:
                return rows[str(key)]
        raise CrmError("resource not found", status=404, category="OBJECT_NOT_FOUND")

    def create(self, name: str, properties: Mapping[str, Any]) -> Record:
        kind = self.kind(name)
        self.check_names(kind, properties)
        email = properties.get("email")
        if kind == "contacts" and email and _norm("email", email) in self._unique["contacts", "email"]:
            raise CrmError("Contact already exists.", status=409, category="CONFLICT")
        now = clock.utcnow()
        row = Record(kind, str(next(self._numbers)), {}, now, now)
        row.properties = {"hs_object_id": row.id, "createdate": iso(now)}
        self._insert(row)
        self.update(row, properties)
        return row

    def update(self, row: Record, properties: Mapping[str, Any]) -> None:
        self.check_names(row.kind, properties)
        for name, value in properties.items():
            text = None if value is None or value == "" else str(value)
            index = self._unique.get((row.kind, name))
            if index is not None:
                self._reindex(index, row, name, text)
            row.properties[name] = text
        row.updated = clock.utcnow()
        row.properties[MODIFIED[row.kind]] = iso(row.updated)

    def upsert(self, name: str, key: str, id_property: str, properties: Mapping[str, Any]) -> tuple[Record, bool]:
        """Returns the record and whether it is new. A record cannot be made by its own id."""
        kind = self.kind(name)
        if not id_property or id_property == "hs_object_id":
            row = self.find(kind, key)
            self.update(row, properties)
            return row, False
        known = self._index(kind, id_property).get(_norm(id_property, str(key)))
        if known:
            row = self._rows[kind][known]
            self.update(row, properties)
            return row, False
        return self.create(kind, {**properties, id_property: key}), True

    def archive(self, row: Record) -> None:
        row.archived = True
        row.updated = clock.utcnow()

    def join(self, one: Record, other: Record) -> None:
        for here, there in ((one, other), (other, one)):
            ids = here.joined.setdefault(there.kind, [])
            if there.id not in ids:
                ids.append(there.id)
            if here.kind == "contacts" and there.kind == "companies":
                here.properties.setdefault("associatedcompanyid", there.id)

    def render(self, row: Record, properties: Sequence[str] | None) -> dict[str, Any]:
        always = ("hs_object_id", "createdate", MODIFIED[row.kind])
        names = dict.fromkeys((*properties, *always)) if properties else row.properties
        shown = {name: row.properties.get(name) for name in names}
        return {
            "id": row.id,
            "properties": shown,
            "createdAt": iso(row.created),
            "updatedAt": iso(row.updated),
            "archived": row.archived,
        }

    def check_names(self, name: str, properties: Mapping[str, Any]) -> None:
        known = self._properties[self.kind(name)]
        for each in properties:
            if each not in known:
                raise CrmError(f'Property "{each}" does not exist')

    def search(
        self, name: str, groups: Sequence[Mapping[str, Any]], sorts: Sequence[Mapping[str, Any] | str]
    ) -> list[Record]:
        kind = self.kind(name)
        tests = [[_test(each) for each in group["filters"]] for group in groups]
        rows = [
            row
            for row in self.all(kind)
            if not row.archived and (not tests or any(all(test(row) for test in group) for group in tests))
        ]
        for sort in reversed(sorts):
            field_name = sort if isinstance(sort, str) else sort["propertyName"]
            downwards = not isinstance(sort, str) and sort.get("direction") == "DESCENDING"
            rows.sort(key=lambda row, f=field_name: _rank(row.properties.get(f)), reverse=downwards)  # type: ignore[misc]
        return rows

    def properties(self, name: str) -> dict[str, dict[str, Any]]:
        return self._properties[self.kind(name)]

    def property(self, name: str, property_name: str) -> dict[str, Any]:
        found = self.properties(name).get(property_name)
        if found is None:
            raise CrmError("resource not found", status=404, category="OBJECT_NOT_FOUND")
        return found

    def add_property(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        kind = self.kind(name)
        if document["name"] in self._properties[kind]:
            raise CrmError(f"A property named '{document['name']}' already exists.", status=409, category="CONFLICT")
        group = document.get("groupName", "")
        built_in = group.endswith("information") or group in _OWN_GROUPS
        if group and not built_in and group not in self._groups[kind]:
            raise CrmError(f"Property group '{group}' does not exist")
        self._properties[kind][document["name"]] = _definition(document)
        if document.get("hasUniqueValue"):
            self._unique[kind, document["name"]] = {}
        return self._properties[kind][document["name"]]

    def groups(self, name: str) -> dict[str, dict[str, Any]]:
        return self._groups[self.kind(name)]

    def add_group(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        groups = self.groups(name)
        if document["name"] in groups:
            raise CrmError(f"A group named '{document['name']}' already exists.", status=409, category="CONFLICT")
        groups[document["name"]] = {"archived": False, "displayOrder": -1, "label": document["name"], **document}
        return groups[document["name"]]

    def _insert(self, row: Record) -> None:
        self._rows[row.kind][row.id] = row
        bisect.insort(self._order[row.kind], int(row.id))
        email = row.properties.get("email")
        if row.kind == "contacts" and email:
            self._unique["contacts", "email"][_norm("email", email)] = row.id

    def _index(self, kind: str, id_property: str) -> dict[str, str]:
        index = self._unique.get((kind, id_property))
        if index is None:
            raise CrmError(f"The property {id_property} is not a unique identifier of {kind}.")
        return index

    @staticmethod
    def _reindex(index: dict[str, str], row: Record, name: str, text: str | None) -> None:
        wanted = _norm(name, text) if text else ""
        if wanted and index.get(wanted, row.id) != row.id:
            raise CrmError(f"{name} is already in use by another object.", status=409, category="CONFLICT")
        old = row.properties.get(name)
        if old:
            index.pop(_norm(name, old), None)
        if wanted:
            index[wanted] = row.id


def _definition(document: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {
        "label": document["name"], "type": "string", "fieldType": "text", "groupName": "", "options": [],
        "description": "", "hasUniqueValue": False, "hidden": False, "formField": False,
    }  # fmt: skip
    return {**defaults, **document}


def _stamps(kind: str) -> tuple[str, ...]:
    return ("hs_object_id", "createdate", MODIFIED[kind])


def _norm(name: str, value: str) -> str:
    return value.strip().lower() if name == "email" else value


def _test(spec: Mapping[str, Any]) -> Callable[[Record], bool]:
    """One filter as a question to a record. Raises CrmError for an operator that is not known."""
    name, operator, wanted = spec["propertyName"], spec["operator"], spec.get("value")
    many = [str(each) for each in spec.get("values") or ()]
    tests: dict[str, Callable[[str], bool]] = {
        "EQ": lambda value: _rank(value) == _rank(wanted),
        "NEQ": lambda value: _rank(value) != _rank(wanted),
        "LT": lambda value: _rank(value) < _rank(wanted),
        "LTE": lambda value: _rank(value) <= _rank(wanted),
        "GT": lambda value: _rank(value) > _rank(wanted),
        "GTE": lambda value: _rank(value) >= _rank(wanted),
        "BETWEEN": lambda value: _rank(wanted) <= _rank(value) <= _rank(spec.get("highValue")),
        "IN": lambda value: value in many,
        "NOT_IN": lambda value: value not in many,
        "CONTAINS_TOKEN": lambda value: str(wanted).strip("*").lower() in value.lower(),
        "NOT_CONTAINS_TOKEN": lambda value: str(wanted).strip("*").lower() not in value.lower(),
        "HAS_PROPERTY": lambda value: True,
    }
    if operator == "NOT_HAS_PROPERTY":
        return lambda row: row.properties.get(name) is None
    if operator not in tests:
        raise CrmError(f"Unknown operator {operator}.")
    test = tests[operator]

    def holds(row: Record) -> bool:
        value = row.properties.get(name)
        return value is not None and test(value)

    return holds


def _rank(value: object) -> tuple[int, Decimal, str]:
    """Numbers and instants (ISO text or epoch milliseconds) by size, other text after them, missing first."""
    if value is None:
        return (0, Decimal(0), "")
    text = str(value)
    try:
        return (1, Decimal(text), "")
    except InvalidOperation:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return (2, Decimal(0), text.lower())
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (1, Decimal(round(at.timestamp() * 1000)), "")
