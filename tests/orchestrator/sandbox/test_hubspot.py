from __future__ import annotations

from datetime import datetime

import pytest
from hubspot import HubSpot
from hubspot.crm import companies, contacts, deals, properties

from orchestrator.sandbox.server import Sandbox
from tests.orchestrator.sandbox.conftest import UNTIL


@pytest.fixture
def sandbox(start) -> Sandbox:
    return start(sink=True)


@pytest.fixture
def crm(sandbox: Sandbox) -> HubSpot:
    return HubSpot(access_token="token", host=f"{sandbox.base_url}/hubspot", retry=False)


def test_paging_reads_every_contact_once_with_its_company(crm: HubSpot, company) -> None:
    found, after = [], None
    while True:
        page = crm.crm.contacts.basic_api.get_page(
            limit=100, after=after, properties=["email", "account_role"], associations=["companies"]
        )
        found += page.results
        if page.paging is None:
            break
        after = page.paging.next.after
    assert [contact.id for contact in found] == [contact.external_id for contact in company.contacts]
    first = found[0]
    assert first.properties["account_role"] == "OWNER"
    assert first.associations["companies"].results[0].id == company.contacts[0].account_id
    assert first.associations["companies"].results[0].type == "contact_to_company"


def test_a_page_has_at_most_a_hundred(crm: HubSpot) -> None:
    with pytest.raises(companies.ApiException) as refused:
        crm.crm.companies.basic_api.get_page(limit=101)
    assert refused.value.status == 400


def test_search_finds_what_changed_since_in_order(crm: HubSpot, company) -> None:
    since = datetime.fromisoformat(f"{UNTIL}T00:00:00+00:00").timestamp() * 1000 - 20 * 86_400_000
    request = {
        "filterGroups": [
            {"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(int(since))}]}
        ],
        "sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}],
        "properties": ["name"],
        "limit": 10,
        "after": "0",
    }
    stamps: list[datetime] = []
    while True:
        page = crm.crm.companies.search_api.do_search(public_object_search_request=request)
        stamps += [row.updated_at for row in page.results]
        if page.paging is None:
            break
        request["after"] = page.paging.next.after
    expected = sorted(
        row["updatedAt"] for row in company.hubspot_companies() if row["updatedAt"].timestamp() * 1000 >= since
    )
    assert len(stamps) == page.total == len(expected)
    assert stamps == sorted(stamps)


def test_search_stops_at_ten_thousand(crm: HubSpot) -> None:
    request = {"filterGroups": [], "sorts": [], "properties": [], "limit": 100, "after": "9950"}
    with pytest.raises(contacts.ApiException) as refused:
        crm.crm.contacts.search_api.do_search(public_object_search_request=request)
    assert refused.value.status == 400


def test_unique_deals_are_upserted_once_and_joined(crm: HubSpot, company, sandbox: Sandbox) -> None:
    create = {
        "name": "upsell_conversion_id",
        "label": "Conversion",
        "type": "string",
        "fieldType": "text",
        "groupName": "dealinformation",
        "hasUniqueValue": True,
    }
    crm.crm.properties.core_api.create(object_type="deals", property_create=create)
    with pytest.raises(properties.ApiException) as again:
        crm.crm.properties.core_api.create(object_type="deals", property_create=create)
    assert again.value.status == 409

    one = {"id": "c-1", "idProperty": "upsell_conversion_id", "properties": {"dealname": "Won", "amount": "70.00"}}
    upsert = crm.crm.deals.batch_api.upsert
    first = upsert(batch_input_simple_public_object_batch_input_upsert={"inputs": [one]})
    second = upsert(batch_input_simple_public_object_batch_input_upsert={"inputs": [one]})
    assert [first.results[0].new, second.results[0].new] == [True, False]
    assert first.results[0].id == second.results[0].id
    assert len(sandbox.hubspot.store.all("deals")) == 1

    crm.crm.associations.v4.batch_api.create_default(
        from_object_type="deals",
        to_object_type="companies",
        batch_input_public_default_association_multi_post={
            "inputs": [{"from": {"id": first.results[0].id}, "to": {"id": company.accounts[0].external_id}}]
        },
    )
    deal = crm.crm.deals.basic_api.get_by_id(first.results[0].id, associations=["companies"])
    assert deal.associations["companies"].results[0].id == company.accounts[0].external_id


def test_an_unknown_property_refuses_the_batch(crm: HubSpot, company) -> None:
    one = {"id": company.accounts[0].external_id, "properties": {"upsell_status": "won"}}
    with pytest.raises(companies.ApiException) as refused:
        crm.crm.companies.batch_api.update(batch_input_simple_public_object_batch_input={"inputs": [one]})
    assert refused.value.status == 400


def test_a_batch_may_be_done_in_part(crm: HubSpot, company) -> None:
    inputs = [
        {"id": company.accounts[0].external_id, "properties": {"city": "Haifa"}},
        {"id": "999", "properties": {"city": "Iași"}},
    ]
    answer = crm.crm.companies.batch_api.update(batch_input_simple_public_object_batch_input={"inputs": inputs})
    assert [row.id for row in answer.results] == [company.accounts[0].external_id]
    assert answer.num_errors == 1
    assert answer.errors[0].context == {"ids": ["999"]}


def test_contacts_are_upserted_by_address_in_any_case(crm: HubSpot, company) -> None:
    known = next(contact for contact in company.contacts if contact.email)
    inputs = [
        {"id": known.email.upper(), "idProperty": "email", "properties": {"firstname": "Changed"}},
        {"id": "new@acme.example", "idProperty": "email", "properties": {"firstname": "New"}},
    ]
    answer = crm.crm.contacts.batch_api.upsert(batch_input_simple_public_object_batch_input_upsert={"inputs": inputs})
    assert [(row.id == known.external_id, row.new) for row in answer.results] == [(True, False), (False, True)]
    read = crm.crm.contacts.batch_api.read(
        batch_read_input_simple_public_object_id={
            "properties": ["firstname", "phone"],
            "propertiesWithHistory": [],
            "inputs": [{"id": known.external_id}],
        }
    )
    assert read.results[0].properties["firstname"] == "Changed"


def test_more_than_a_hundred_inputs_are_refused(crm: HubSpot) -> None:
    inputs = [{"id": f"a{n}@b.example", "idProperty": "email", "properties": {}} for n in range(101)]
    with pytest.raises(contacts.ApiException) as refused:
        crm.crm.contacts.batch_api.upsert(batch_input_simple_public_object_batch_input_upsert={"inputs": inputs})
    assert refused.value.status == 400


def test_a_write_moves_the_record_to_the_end_of_the_changes(crm: HubSpot, company) -> None:
    target = company.accounts[0].external_id
    crm.crm.companies.basic_api.update(target, simple_public_object_input={"properties": {"city": "Haifa"}})
    request = {
        "filterGroups": [],
        "sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "DESCENDING"}],
        "properties": ["city"],
        "limit": 1,
        "after": "0",
    }
    newest = crm.crm.companies.search_api.do_search(public_object_search_request=request).results[0]
    assert (newest.id, newest.properties["city"]) == (target, "Haifa")


def test_a_rate_limit_looks_like_the_vendors(crm: HubSpot, sandbox: Sandbox) -> None:
    sandbox.faults["hubspot"].set(type(sandbox.faults["hubspot"].plan)(rate_429=1.0))
    with pytest.raises(deals.ApiException) as busy:
        crm.crm.deals.basic_api.get_page(limit=1)
    assert busy.value.status == 429
    assert '"policyName": "TEN_SECONDLY_ROLLING"' in busy.value.body
    assert busy.value.headers["X-HubSpot-RateLimit-Max"] == "190"


def test_missing_records_are_404(crm: HubSpot) -> None:
    with pytest.raises(contacts.ApiException) as missing:
        crm.crm.contacts.basic_api.get_by_id("1")
    assert missing.value.status == 404
