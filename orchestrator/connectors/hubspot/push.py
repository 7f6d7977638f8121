"""Writing to HubSpot: our own properties on companies and contacts, and a deal per won upsell.

Everything is an upsert, so a batch that timed out may simply be written again. HubSpot
refuses a whole batch for one bad input; such a batch is halved until the bad one is alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched
from typing import Any

from orchestrator import http
from orchestrator.connectors.contract import ConnectorRefusal, DealUpsert, PropertyPatch
from orchestrator.connectors.hubspot.api import OBJECTS, HubSpotApi, results_of

BATCH = 100
CONVERSION_ID = "upsell_conversion_id"

_COMPANY_PROPERTIES = {
    "upsell_status": ("Upsell status", "string", "text"),
    "upsell_last_campaign": ("Upsell: last campaign", "string", "text"),
    "upsell_mrr_delta": ("Upsell: MRR gained", "number", "number"),
    "upsell_last_conversion_id": ("Upsell: last conversion", "string", "text"),
}
_CONTACT_PROPERTIES = {"upsell_status": ("Upsell status", "string", "text")}
# The stage and pipeline every HubSpot account starts with; a deal's own properties may name others.
_WON = {"pipeline": "default", "dealstage": "closedwon"}

# A wrong key or scope is not one input's fault: such a refusal concerns the whole connection.
_WHOLE_CONNECTION = {"401", "403"}

type _Input = dict[str, Any]


def create_properties(api: HubSpotApi) -> list[str]:
    """Returns `object.property` for each that was missing; existing ones (HTTP 409) are left as they are."""
    created: list[str] = []
    for name, (label, kind, field) in _COMPANY_PROPERTIES.items():
        definition = {"name": name, "label": label, "type": kind, "fieldType": field, "groupName": "companyinformation"}
        created += _create(api, "companies", definition)
    for name, (label, kind, field) in _CONTACT_PROPERTIES.items():
        definition = {"name": name, "label": label, "type": kind, "fieldType": field, "groupName": "contactinformation"}
        created += _create(api, "contacts", definition)
    unique = {
        "name": CONVERSION_ID,
        "label": "Upsell: conversion",
        "type": "string",
        "fieldType": "text",
        "groupName": "dealinformation",
        "hasUniqueValue": True,
    }
    return created + _create(api, "deals", unique)


def patch_properties(api: HubSpotApi, patches: Sequence[PropertyPatch]) -> Mapping[str, str]:
    refused: dict[str, str] = {}
    for kind, name in OBJECTS.items():
        # HubSpot refuses a batch that names an object twice: patches of one object become one.
        merged: dict[str, dict[str, str]] = {}
        for patch in patches:
            if patch.kind == kind:
                merged.setdefault(patch.crm_id, {}).update(patch.properties)
        inputs = [{"id": crm_id, "properties": properties} for crm_id, properties in merged.items()]
        for batch in batched(inputs, BATCH):
            refused |= _write(functools.partial(_update, api, name), list(batch), lambda result: str(result.id))[1]
    return refused


def upsert_deals(api: HubSpotApi, deals: Sequence[DealUpsert]) -> Mapping[str, str]:
    """Each deal by its conversion id, then its company and contact, which HubSpot links in a second step."""
    refused: dict[str, str] = {}
    newest = {deal.conversion_id: deal for deal in deals}
    for batch in batched(newest.values(), BATCH):
        inputs = [_deal_input(deal) for deal in batch]
        written, reasons = _write(
            functools.partial(_upsert, api), inputs, lambda result: str((result.properties or {}).get(CONVERSION_ID))
        )
        refused |= reasons
        linked = [(deal, written[deal.conversion_id]) for deal in batch if deal.conversion_id in written]
        refused |= _link(api, "companies", [(deal, deal_id, deal.company_id) for deal, deal_id in linked])
        refused |= _link(
            api, "contacts", [(deal, deal_id, deal.contact_id) for deal, deal_id in linked if deal.contact_id]
        )
    return refused


def _create(api: HubSpotApi, name: str, definition: dict[str, Any]) -> list[str]:
    try:
        api.call(api.properties.create, object_type=name, property_create=definition)
    except ConnectorRefusal as refusal:
        if refusal.code == "409":
            return []
        raise
    return [f"{name}.{definition['name']}"]


def _update(api: HubSpotApi, name: str, inputs: list[_Input]) -> Any:
    return api.call(api.batches[name].update, batch_input_simple_public_object_batch_input={"inputs": inputs})


def _upsert(api: HubSpotApi, inputs: list[_Input]) -> Any:
    return api.call(api.batches["deals"].upsert, batch_input_simple_public_object_batch_input_upsert={"inputs": inputs})


def _deal_input(deal: DealUpsert) -> _Input:
    properties = {
        CONVERSION_ID: deal.conversion_id,
        "dealname": deal.name,
        "amount": str(deal.amount),
        "deal_currency_code": deal.currency,
        "closedate": _iso(deal.closed_at),
        **_WON,
        **deal.properties,
    }
    return {"id": deal.conversion_id, "idProperty": CONVERSION_ID, "properties": properties}


def _write(
    send: Callable[[list[_Input]], Any], inputs: list[_Input], key_of: Callable[[Any], str]
) -> tuple[dict[str, str], dict[str, str]]:
    """({our key: HubSpot's id} written, {our key: reason} refused). Busy and connection-wide refusals are raised."""
    try:
        answer = send(inputs)
    except ConnectorRefusal as refusal:
        if refusal.code in _WHOLE_CONNECTION:
            raise
        if len(inputs) == 1:
            return {}, {inputs[0]["id"]: refusal.detail}
        middle = len(inputs) // 2
        first, second = _write(send, inputs[:middle], key_of), _write(send, inputs[middle:], key_of)
        return first[0] | second[0], first[1] | second[1]
    written = {key_of(result): str(result.id) for result in results_of(answer)}
    missing = [one["id"] for one in inputs if one["id"] not in written]
    return written, {key: _reason(answer, key) for key in missing}


def _link(api: HubSpotApi, name: str, pairs: Sequence[tuple[DealUpsert, str, str]]) -> dict[str, str]:
    """Default associations of deals, all at once; when that is refused one by one, to know whose fault it is."""
    if not pairs:
        return {}
    try:
        answer = _associate(api, name, pairs)
    except ConnectorRefusal as refusal:
        if refusal.code in _WHOLE_CONNECTION:
            raise
        if len(pairs) > 1:
            return {key: why for pair in pairs for key, why in _link(api, name, [pair]).items()}
        return {pairs[0][0].conversion_id: f"The deal is written but not linked to its {name}: {refusal.detail}"}
    if not getattr(answer, "errors", None):
        return {}
    linked = {str(result._from.id) for result in answer.results or ()}
    return {
        deal.conversion_id: f"The deal is written but not linked to its {name}: {_reason(answer, to)}"
        for deal, deal_id, to in pairs
        if deal_id not in linked
    }


def _associate(api: HubSpotApi, name: str, pairs: Sequence[tuple[DealUpsert, str, str]]) -> Any:
    return api.call(
        api.associations.create_default,
        from_object_type="deals",
        to_object_type=name,
        batch_input_public_default_association_multi_post={
            "inputs": [{"from": {"id": deal_id}, "to": {"id": to}} for _, deal_id, to in pairs]
        },
    )


def _reason(answer: Any, key: str) -> str:
    """Why HubSpot left `key` out of a partly written batch (HTTP 207)."""
    errors = list(getattr(answer, "errors", None) or ())
    own = [error for error in errors if key in _named(error)] or errors
    return http.redact(str(own[0].message)) if own else "HubSpot did not confirm it and gave no reason."


def _named(error: Any) -> Iterator[str]:
    for values in (error.context or {}).values():
        yield from values


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
