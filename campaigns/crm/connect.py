"""Which CRMs we are connected with, and what of their records fills which field of ours."""

from __future__ import annotations

from django.db import transaction

from campaigns.crm.models import CrmConnection, FieldMapping
from orchestrator.connectors import mapping, registry

NOUNS = {"account": "accounts", "contact": "contacts"}
_DEFAULTS = {"hubspot": mapping.DEFAULT_HUBSPOT}


def ensure_connections() -> list[CrmConnection]:
    """Every CRM whose key is set is a connection, named as its kind, with the default mapping until it has one."""
    return [_ensure(kind) for kind in registry.connected_crms()]


def find_connection(*, slug: str) -> CrmConnection:
    """Raises CrmConnection.DoesNotExist."""
    ensure_connections()
    return CrmConnection.objects.get(slug=slug)


def read_mappings(*, connection: CrmConnection) -> dict[str, mapping.ColumnMapping]:
    """The mapping of each kind of record. Raises MappingError where a row of it cannot be used."""
    rows: dict[str, list[FieldMapping]] = {kind: [] for kind in NOUNS}
    for row in connection.mappings.order_by("id"):
        rows.setdefault(row.kind, []).append(row)
    return {
        kind: mapping.read_mapping(
            {
                "columns": {row.property: row.target for row in rows[kind]},
                "types": {row.target: row.type for row in rows[kind] if row.type},
            },
            noun=noun,
        )
        for kind, noun in NOUNS.items()
    }


def _ensure(kind: str) -> CrmConnection:
    with transaction.atomic():
        connection, _ = CrmConnection.objects.get_or_create(slug=kind, defaults={"kind": kind})
        if not connection.mappings.exists():
            FieldMapping.objects.bulk_create(_default_rows(connection), ignore_conflicts=True)
    return connection


def _default_rows(connection: CrmConnection) -> list[FieldMapping]:
    return [
        FieldMapping(connection=connection, kind=kind, property=column, target=target, type=table.types.get(target, ""))
        for kind, table in _DEFAULTS.get(connection.kind, {}).items()
        for column, target in table.columns.items()
    ]
