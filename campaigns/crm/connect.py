"""Which CRMs we are connected with, and what of their records fills which field of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from campaigns.crm.models import CrmConnection, FieldMapping, SyncCursor
from campaigns.usage.models import Meter
from orchestrator.connectors import mapping, registry

# In this order they are pulled: tickets and contacts name companies.
NOUNS = {"account": "accounts", "contact": "contacts", "ticket": "tickets"}
_DEFAULTS = {"hubspot": mapping.DEFAULT_HUBSPOT}


def ensure_connections() -> list[CrmConnection]:
    """Every CRM whose key is set is a connection, named as its kind, with the default mapping until it has one."""
    return [_ensure(kind) for kind in registry.connected_crms()]


def find_connection(*, slug: str) -> CrmConnection:
    """Raises CrmConnection.DoesNotExist."""
    ensure_connections()
    return CrmConnection.objects.get(slug=slug)


def read_mappings(*, connection: CrmConnection) -> dict[str, mapping.ColumnMapping]:
    """The mapping of each kind of record that has one. Raises MappingError where a row of it cannot be used."""
    rows: dict[str, list[FieldMapping]] = {}
    for row in connection.mappings.order_by("id"):
        rows.setdefault(row.kind, []).append(row)
    meters = known_meters()
    return {kind: check_mapping(kind=kind, rows=rows[kind], meters=meters) for kind in NOUNS if kind in rows}


def check_mapping(*, kind: str, rows: Sequence[FieldMapping], meters: Mapping[str, bool]) -> mapping.ColumnMapping:
    """Raises MappingError; its path is `columns.<property>` or `types.<target>`."""
    document = {
        "columns": {row.property: row.target for row in rows},
        "types": {row.target: row.type for row in rows if row.type},
    }
    return mapping.read_mapping(document, noun=NOUNS[kind], meters=meters)


def known_meters() -> dict[str, bool]:
    """{code: whether a CRM may set its value of the day}."""
    return {code: kind == Meter.Kind.REPORTED for code, kind in Meter.objects.values_list("code", "kind")}


def _ensure(kind: str) -> CrmConnection:
    with transaction.atomic():
        connection, _ = CrmConnection.objects.get_or_create(slug=kind, defaults={"kind": kind})
        FieldMapping.objects.bulk_create(_default_rows(connection), ignore_conflicts=True)
    return connection


def _default_rows(connection: CrmConnection) -> list[FieldMapping]:
    """For each kind that has never been pulled and has no mapping: one that a person emptied stays empty."""
    told = set(connection.mappings.values_list("kind", flat=True))
    told |= set(SyncCursor.objects.filter(connection=connection).values_list("kind", flat=True))
    return [
        FieldMapping(connection=connection, kind=kind, property=column, target=target, type=table.types.get(target, ""))
        for kind, table in _DEFAULTS.get(connection.kind, {}).items()
        if kind not in told
        for column, target in table.columns.items()
    ]
