"""Writing to HubSpot: our own properties on companies and contacts, and a deal per won upsell.

Everything is an upsert, so a batch that timed out may simply be written again.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

from orchestrator.connectors.contract import ConnectorRefusal, DealUpsert, PropertyPatch
from orchestrator.connectors.hubspot import batches, tasks
from orchestrator.connectors.hubspot.api import OBJECTS, HubSpotApi

CONVERSION_ID = "upsell_conversion_id"

_COMPANY_PROPERTIES = {
    "upsell_status": ("Upsell status", "string", "text"),
    "upsell_last_campaign": ("Upsell: last campaign", "string", "text"),
    "upsell_mrr_delta": ("Upsell: MRR gained", "number", "number"),
    "upsell_last_conversion_id": ("Upsell: last conversion", "string", "text"),
}
_CONTACT_PROPERTIES = {
    "upsell_status": ("Upsell status", "string", "text"),
    "upsell_opt_out": ("Upsell: no marketing by", "string", "text"),
}
# The stage and pipeline every HubSpot account starts with; a deal's own properties may name others.
_WON = {"pipeline": "default", "dealstage": "closedwon"}


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
    created += _create(api, "deals", unique)
    for task_property in tasks.PROPERTIES:
        created += _create(api, "tasks", dict(task_property))
    return created


def patch_properties(api: HubSpotApi, patches: Sequence[PropertyPatch]) -> Mapping[str, str]:
    refused: dict[str, str] = {}
    until = batches.end()
    for kind, name in OBJECTS.items():
        # HubSpot refuses a batch that names an object twice: patches of one object become one.
        merged: dict[str, dict[str, str]] = {}
        for patch in patches:
            if patch.kind == kind:
                merged.setdefault(patch.crm_id, {}).update(patch.properties)
        inputs = [{"id": crm_id, "properties": properties} for crm_id, properties in merged.items()]
        for batch in batched(inputs, batches.BATCH):
            update = functools.partial(_update, api, name)
            refused |= batches.write(update, list(batch), lambda result: str(result.id), until=until)[1]
    return refused


def upsert_deals(api: HubSpotApi, deals: Sequence[DealUpsert]) -> Mapping[str, str]:
    """Each deal by its conversion id, then its company and contact, which HubSpot links in a second step."""
    refused: dict[str, str] = {}
    until = batches.end()
    newest = {deal.conversion_id: deal for deal in deals}
    for batch in batched(newest.values(), batches.BATCH):
        inputs = [_deal_input(deal) for deal in batch]
        written, reasons = batches.write(
            functools.partial(batches.upsert, api, "deals"),
            inputs,
            lambda result: str((result.properties or {}).get(CONVERSION_ID)),
            until=until,
        )
        refused |= reasons
        linked = [(deal, written[deal.conversion_id]) for deal in batch if deal.conversion_id in written]
        companies = [(deal.conversion_id, deal_id, deal.company_id) for deal, deal_id in linked]
        people = [(deal.conversion_id, deal_id, deal.contact_id) for deal, deal_id in linked if deal.contact_id]
        refused |= batches.link(api, source="deals", target="companies", links=companies, until=until)
        refused |= batches.link(api, source="deals", target="contacts", links=people, until=until)
    return refused


def _create(api: HubSpotApi, name: str, definition: dict[str, Any]) -> list[str]:
    try:
        api.call(api.properties.create, object_type=name, property_create=definition)
    except ConnectorRefusal as refusal:
        if refusal.code == "409":
            return []
        raise
    return [f"{name}.{definition['name']}"]


def _update(api: HubSpotApi, name: str, inputs: list[batches.Input]) -> Any:
    return api.call(api.batches[name].update, batch_input_simple_public_object_batch_input={"inputs": inputs})


def _deal_input(deal: DealUpsert) -> batches.Input:
    properties = {
        CONVERSION_ID: deal.conversion_id,
        "dealname": deal.name,
        "amount": str(deal.amount),
        "deal_currency_code": deal.currency,
        "closedate": batches.iso(deal.closed_at),
        **_WON,
        **deal.properties,
    }
    return {"id": deal.conversion_id, "idProperty": CONVERSION_ID, "properties": properties}
