"""Which companies and contacts a ticket belongs to: searches do not tell that, so it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import batched
from typing import Any

from orchestrator.connectors.contract import CrmRecord
from orchestrator.connectors.hubspot.api import HubSpotApi, results_of

BATCH = 100
# What HubSpot calls the type of the link to the one company that a record belongs to first of all.
_PRIMARY = "Primary"


def with_links(api: HubSpotApi, *, name: str, records: Sequence[CrmRecord]) -> list[CrmRecord]:
    """The same with `associations` (companies) and `contacts`, the primary one first. Archived ones have none."""
    ids = [one.id for one in records if not one.archived]
    if not ids:
        return list(records)
    companies = _read(api, name, "companies", ids)
    contacts = _read(api, name, "contacts", ids)
    return [replace(one, associations=companies.get(one.id, ()), contacts=contacts.get(one.id, ())) for one in records]


def _read(api: HubSpotApi, name: str, other: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """HubSpot reports a record without links as an error beside the results: it is simply absent here."""
    found: dict[str, tuple[str, ...]] = {}
    for batch in batched(ids, BATCH):
        answer = api.call(
            api.associations.get_page,
            from_object_type=name,
            to_object_type=other,
            batch_input_public_fetch_associations_batch_request={"inputs": [{"id": one} for one in batch]},
        )
        found |= {str(row._from.id): _ids(row) for row in results_of(answer)}
    return found


def _ids(row: Any) -> tuple[str, ...]:
    linked = sorted(row.to or (), key=lambda one: not _is_primary(one))
    return tuple(dict.fromkeys(str(one.to_object_id) for one in linked))


def _is_primary(one: Any) -> bool:
    return any(each.label == _PRIMARY for each in one.association_types or ())
