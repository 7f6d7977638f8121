"""From a CRM's or a file's columns to our own fields, by a mapping that a person wrote. Pure.

A mapping is the document of interfaces.md ("CSV mapping file"): `columns` names a target for
each column; `types` says how a value is read; `values` rewrites values; `defaults` fills what
is missing; `lookup` finds an owner through another record and is resolved by the importer.

Nothing that came in a row is ever repeated in a problem's text: it may be personal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from orchestrator.connectors import values

type Row = Mapping[str, str | None]

_PERSON = {"first_name": "text", "last_name": "text", "locale": "locale", "timezone": "timezone"}
TARGETS: Mapping[str, Mapping[str, str]] = {
    "accounts": {
        "external_id": "text", "name": "text", "domain": "domain", "country": "text", "created_at": "date",
    },
    "contacts": {
        "external_id": "text", "email": "email", "phone": "phone", **_PERSON, "country": "text", "created_at": "date",
        # The role in the account that a CRM links the contact to; files have memberships for that.
        "role": "role",
        "consent_basis": "basis", "consent_source": "text", "consent_at": "date",
    },
    "memberships": {"contact": "text", "account": "text", "role": "role"},
    "subscriptions": {
        "external_id": "text", "account": "text", "plan": "text", "status": "status", "mrr": "number",
        "currency": "currency", "quantity": "number", "interval": "interval", "started_at": "date",
        "ended_at": "date", "renews_at": "date", "trial_ends_at": "date", "cancel_scheduled": "boolean",
        "billing_id": "text",
    },
    "usage": {"account": "text", "meter": "text", "day": "day", "value": "number"},
    "tickets": {
        "external_id": "text", "account": "text", "opened_at": "date", "closed_at": "date", "priority": "priority",
        "subject": "text",
    },
}  # fmt: skip

_TYPES = ("text", "number", "boolean", "date", "list")
_CONSENT = re.compile(r"consent\.(email|sms|in_app)\.([a-z0-9][a-z0-9_-]*)")
# A no needs no evidence: whoever says it is believed.
_OPT_OUT = re.compile(r"opt_out\.(email|sms|in_app)")
_EVIDENCE = ("consent_basis", "consent_source", "consent_at")
# A CRM's property of a company may set a meter's value of the day: usage.<meter code>.
_USAGE = "usage."


class MappingError(ValueError):
    """The mapping itself is wrong; `path` says where, in the document's own keys."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A checked mapping for one noun: accounts, contacts, memberships, subscriptions, usage or tickets."""

    noun: str
    columns: Mapping[str, str]
    types: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    lookup: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def source_columns(self) -> tuple[str, ...]:
        """What to ask a CRM for, or to look for in a file's header."""
        looked_up = [rule["column"] for rule in self.lookup.values()]
        return tuple(dict.fromkeys([*self.columns, *looked_up]))


@dataclass(frozen=True, slots=True)
class MappedConsent:
    """`state` GRANTED or WITHDRAWN; `basis` EXPLICIT, SOFT_OPT_IN or LEGITIMATE_INTEREST; `at` UTC."""

    channel: str
    topic: str
    state: str
    basis: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one value. `rejects` = the row as a whole must not be taken from a file."""

    target: str
    message: str
    rejects: bool = True


@dataclass(frozen=True, slots=True)
class MappedRecord:
    """`fields`, `traits` and `usage` hold only what was given and could be read: missing is absent, never None.
    `opt_outs` are the channels on which the record says no to everything.

    Fields: texts, Decimal, bool, aware UTC datetimes, a date for usage days. Traits: JSON values
    (numbers as int or float, dates as ISO 8601 text). `usage`: today's value by the meter's code.
    """

    fields: Mapping[str, Any]
    traits: Mapping[str, Any]
    consents: Sequence[MappedConsent]
    errors: Sequence[Problem]
    usage: Mapping[str, Decimal] = field(default_factory=dict)
    opt_outs: Sequence[str] = ()

    @property
    def is_rejected(self) -> bool:
        return any(problem.rejects for problem in self.errors)


def read_mapping(document: Mapping[str, Any], *, noun: str, meters: Mapping[str, bool] | None = None) -> ColumnMapping:
    """Check a parsed mapping document. Raises MappingError with the path of what is wrong.

    `meters`: {code: whether its values are reported per day}, where `usage.<code>` may be a target of accounts: a
    CRM's company says how much it uses today. Without them it may not: a file has a noun of its own for usage.
    """
    if noun not in TARGETS:
        raise MappingError("noun", f"must be one of {', '.join(TARGETS)}")
    unknown = set(document) - {"columns", "types", "values", "defaults", "lookup"}
    if unknown:
        raise MappingError(sorted(unknown)[0], "is not a section of a mapping")
    sections = {name: _table(document, name) for name in ("columns", "types", "values", "defaults", "lookup")}
    mapping = ColumnMapping(noun=noun, **sections)
    if not mapping.columns:
        raise MappingError("columns", "names no column")
    _check_columns(mapping)
    _check_types(mapping)
    for target, words in mapping.values.items():
        _check_target(noun, target, f"values.{target}")
        if not isinstance(words, Mapping) or not all(isinstance(new, str) for new in words.values()):
            raise MappingError(f"values.{target}", "must be a table of texts")
    for target, default in mapping.defaults.items():
        _check_target(noun, target, f"defaults.{target}")
        if not isinstance(default, str):
            raise MappingError(f"defaults.{target}", "must be a text, as a cell would hold it")
    for target, rule in mapping.lookup.items():
        _check_target(noun, target, f"lookup.{target}")
        if not isinstance(rule, Mapping) or set(rule) != {"via", "column"}:
            raise MappingError(f"lookup.{target}", "needs exactly `via` and `column`")
    _check_meters(mapping, meters)
    return mapping


def apply_mapping(mapping: ColumnMapping, properties: Row) -> MappedRecord:
    """One row. What cannot be read is left out and named in `errors`; the rest is there."""
    cells = _cells(mapping, properties)
    fields: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    consents: dict[str, str] = {}
    usage: dict[str, Decimal] = {}
    opt_outs: list[str] = []
    errors: list[Problem] = []
    region = cells.get("country", "")
    for target, cell in cells.items():
        try:
            if target.startswith("traits."):
                traits[target.removeprefix("traits.")] = values.read_trait(cell, mapping.types.get(target, "text"))
            elif target.startswith(_USAGE):
                usage[target.removeprefix(_USAGE)] = values.read(cell, "number")
            elif target.startswith("consent."):
                consents[target] = values.read(cell, "consent", region=region)
            elif _OPT_OUT.fullmatch(target):
                opt_outs += [target.removeprefix("opt_out.")] if values.read(cell, "boolean") else []
            else:
                kind = mapping.types.get(target) or TARGETS[mapping.noun][target]
                fields[target] = values.read(cell, kind, region=region)
        except values.Unusable as problem:
            errors.append(Problem(target=target, message=str(problem), rejects=problem.rejects))
    evidence = {name: fields.pop(name) for name in _EVIDENCE if name in fields}
    granted, lacking = _consents(consents, evidence)
    return MappedRecord(fields, traits, granted, [*errors, *lacking], usage=usage, opt_outs=opt_outs)


def _cells(mapping: ColumnMapping, properties: Row) -> dict[str, str]:
    """{target: text}; rewritten, filled with defaults, empty ones left out."""
    cells: dict[str, str] = {}
    for column, target in mapping.columns.items():
        cell = properties.get(column)
        if cell:
            cells[target] = mapping.values.get(target, {}).get(cell, cell)
    return {target: cell for target, cell in {**mapping.defaults, **cells}.items() if cell}


def _consents(states: Mapping[str, str], evidence: Mapping[str, Any]) -> tuple[list[MappedConsent], list[Problem]]:
    missing = [name for name in _EVIDENCE if name not in evidence]
    if missing:
        message = f"the consent is not taken: {', '.join(missing)} missing or unreadable"
        return [], [Problem(target=target, message=message, rejects=False) for target in states]
    taken = [
        MappedConsent(
            channel=target.split(".")[1],
            topic=target.split(".")[2],
            state=state,
            basis=evidence["consent_basis"],
            source=evidence["consent_source"],
            at=evidence["consent_at"],
        )
        for target, state in states.items()
    ]
    return taken, []


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, Mapping):
        raise MappingError(name, "must be a table")
    return table


def _check_columns(mapping: ColumnMapping) -> None:
    seen: set[str] = set()
    for column, target in mapping.columns.items():
        path = f"columns.{column}"
        if not isinstance(target, str):
            raise MappingError(path, "must name a target")
        _check_target(mapping.noun, target, path)
        if target in seen:
            raise MappingError(path, f"{target} already has a column")
        seen.add(target)


def _check_types(mapping: ColumnMapping) -> None:
    for target, kind in mapping.types.items():
        _check_target(mapping.noun, target, f"types.{target}")
        if kind not in _TYPES:
            raise MappingError(f"types.{target}", f"must be one of {', '.join(_TYPES)}")
        own = "number" if target.startswith(_USAGE) else TARGETS[mapping.noun].get(target)
        if not target.startswith("traits.") and kind != own:
            raise MappingError(f"types.{target}", "only a trait's type can be chosen: a field has its own")


def _check_meters(mapping: ColumnMapping, meters: Mapping[str, bool] | None) -> None:
    named = [(f"columns.{column}", target) for column, target in mapping.columns.items()]
    for section in ("values", "defaults", "lookup"):
        named += [(f"{section}.{target}", target) for target in getattr(mapping, section)]
    for path, target in named:
        if not target.startswith(_USAGE):
            continue
        code = target.removeprefix(_USAGE)
        if meters is None:
            raise MappingError(path, "a meter can be filled from a CRM only; a file of usage has columns of its own")
        if code not in meters:
            known = ", ".join(sorted(one for one, is_reported in meters.items() if is_reported)) or "none"
            raise MappingError(path, f"there is no meter {code}; meters of reported values are: {known}")
        if not meters[code]:
            raise MappingError(path, f"the meter {code} is counted from events: its value cannot be set")


def _check_target(noun: str, target: str, path: str) -> None:
    if target in TARGETS[noun]:
        return
    if noun in {"accounts", "contacts"} and target.startswith("traits.") and len(target) > len("traits."):
        return
    if noun == "contacts" and (_CONSENT.fullmatch(target) or _OPT_OUT.fullmatch(target)):
        return
    if noun == "accounts" and target.startswith(_USAGE) and len(target) > len(_USAGE):
        return
    raise MappingError(path, f"{target} is no target of {noun}")


# What a fresh HubSpot connection reads; the company's id is the account's identity and needs no column.
DEFAULT_HUBSPOT: Mapping[str, ColumnMapping] = {
    "account": read_mapping(
        {
            "columns": {
                "name": "name",
                "domain": "domain",
                "country": "country",
                "industry": "traits.industry",
                "numberofemployees": "traits.numberofemployees",
            },
            "types": {"traits.numberofemployees": "number"},
        },
        noun="accounts",
    ),
    "contact": read_mapping(
        {
            "columns": {
                "email": "email",
                "firstname": "first_name",
                "lastname": "last_name",
                "phone": "phone",
                "country": "country",
                "hs_language": "locale",
                "hs_timezone": "timezone",
                "account_role": "role",
                "email_consent": "consent.email.offers",
                "sms_consent": "consent.sms.offers",
                "email_consent_basis": "consent_basis",
                "email_consent_source": "consent_source",
                "email_consent_at": "consent_at",
                "hs_email_optout": "opt_out.email",
            },
        },
        noun="contacts",
    ),
    "ticket": read_mapping(
        {
            "columns": {
                "subject": "subject",
                "hs_ticket_priority": "priority",
                "createdate": "opened_at",
                "closed_date": "closed_at",
            },
        },
        noun="tickets",
    ),
}
