from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.connectors.contract import (
    NOT_ASKED,
    ConnectorBusy,
    ConnectorRefusal,
    CrmPage,
    DealUpsert,
    PropertyPatch,
    TaskUpsert,
)
from orchestrator.connectors.hubspot import batches, pull
from orchestrator.connectors.hubspot.client import HubSpotCrm
from tests.contracts import provider
from tests.orchestrator.connectors.hubspot_fake import HubSpotFake, received_searches

START = datetime(2026, 2, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


@pytest.fixture
def fake():
    return HubSpotFake()


@pytest.fixture
def server(fake):
    with provider.running(fake) as running:
        yield running


@pytest.fixture
def crm(server):
    return HubSpotCrm(access_token="pat-test", api_base=server.url, timeout_s=1)


def pages_of(crm: HubSpotCrm, *, kind: str = "account", since: datetime | None = None) -> list[CrmPage]:
    return list(crm.pull(kind=kind, properties=["name", "email"], since=since))


def ids_of(pages: list[CrmPage]) -> list[str]:
    return [record.id for page in pages for record in page.records]


def deal(
    conversion_id: str = "c-1", *, company_id: str = "1", contact_id: str | None = None, **changes: Any
) -> DealUpsert:
    values: dict[str, Any] = {
        "conversion_id": conversion_id,
        "name": "Upgrade to Team",
        "amount": Decimal("120.00"),
        "currency": "USD",
        "closed_at": START,
        "company_id": company_id,
        "contact_id": contact_id,
    }
    return DealUpsert(**{**values, **changes})


def task(task_id: str = "t-1", **changes: Any) -> TaskUpsert:
    values: dict[str, Any] = {
        "task_id": task_id,
        "title": "Call Harbour Line",
        "body": "9 of 10 seats\nAsk < why >",
        "due_at": START,
        "state": "OPEN",
        "outcome": "",
        "company_id": "1",
    }
    return TaskUpsert(**{**values, **changes})


def test_everything_comes_by_page_with_a_watermark_on_the_last(fake, crm):
    for number in range(250):
        fake.add("companies", str(number), ms=START_MS + number, name=f"Company {number}")
    pages = pages_of(crm)
    assert ids_of(pages) == [str(number) for number in range(250)]
    assert [page.watermark for page in pages[:-1]] == [None] * (len(pages) - 1)
    assert pages[-1].watermark == START + timedelta(milliseconds=249)


def test_archived_records_come_last_and_say_so(fake, crm):
    fake.add("companies", "1", ms=START_MS, archived=True)
    fake.add("companies", "2", ms=START_MS)
    records = [record for page in pages_of(crm) for record in page.records]
    assert [(record.id, record.archived) for record in records] == [("2", False), ("1", True)]


def test_an_empty_crm_gives_no_watermark(crm):
    assert [page.watermark for page in pages_of(crm)] == [None, None]


def test_a_contacts_primary_company_comes_first(fake, crm):
    fake.add("companies", "7", ms=START_MS)
    fake.add("contacts", "1", ms=START_MS, companies=["7", "8"], email="dana@customer.example")
    [record] = [record for page in pages_of(crm, kind="contact") for record in page.records]
    assert record.kind == "contact"
    assert tuple(record.associations) == ("7", "8")
    assert record.properties["email"] == "dana@customer.example"


def test_a_changed_contact_still_knows_its_primary_company(fake, crm):
    fake.add("contacts", "1", ms=START_MS, companies=["7"])
    [page] = pages_of(crm, kind="contact", since=START)
    assert [tuple(record.associations) for record in page.records] == [("7",)]


def test_changes_come_oldest_first_from_two_minutes_before(fake, crm, server):
    for number, minutes in enumerate([5, -3, -1, 0, 2]):
        fake.add("companies", str(number), ms=START_MS + minutes * 60_000)
    pages = pages_of(crm, since=START)
    assert ids_of(pages) == ["2", "3", "4", "0"]
    assert pages[-1].watermark == START + timedelta(minutes=5)
    [search] = received_searches(server.requests)
    assert search["filterGroups"][0]["filters"] == [
        {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(START_MS - 120_000)}
    ]


def test_nothing_changed_gives_no_page(crm):
    assert pages_of(crm, since=START) == []


def test_a_pull_restarts_below_the_search_ceiling_and_gives_each_once(fake, crm, monkeypatch):
    monkeypatch.setattr(pull, "SEARCH_CEILING", 300)
    for number in range(1000):
        fake.add("companies", str(number), ms=START_MS + number // 7)
    pages = pages_of(crm, since=START)
    assert sorted(map(int, ids_of(pages))) == list(range(1000))
    assert fake.deepest_search == 300
    stamps = [record.updated_at for page in pages for record in page.records]
    assert stamps == sorted(stamps)


def test_more_records_of_one_millisecond_than_the_ceiling_are_read_by_id(fake, crm, monkeypatch):
    monkeypatch.setattr(pull, "SEARCH_CEILING", 200)
    for number in range(1, 651):
        fake.add("companies", str(number), ms=START_MS)
    fake.add("companies", "9999", ms=START_MS + 1)
    found = set(ids_of(pages_of(crm, since=START)))
    assert found == {str(number) for number in range(1, 651)} | {"9999"}


def test_set_up_creates_what_lacks_and_leaves_the_rest(fake, crm):
    fake.properties.add("companies.upsell_status")
    assert crm.set_up() == [
        "companies.upsell_last_campaign",
        "companies.upsell_mrr_delta",
        "companies.upsell_last_conversion_id",
        "contacts.upsell_status",
        "contacts.upsell_opt_out",
        "deals.upsell_conversion_id",
        "tasks.upsell_task_id",
        "tasks.upsell_task_outcome",
    ]
    assert crm.set_up() == []


def test_the_keys_of_deals_and_tasks_are_unique_in_hubspot(crm, server):
    crm.set_up()
    made = [request.json for request in server.requests]
    assert [one["name"] for one in made if one.get("hasUniqueValue")] == ["upsell_conversion_id", "upsell_task_id"]


def test_properties_are_written_in_batches_of_a_hundred(fake, crm, server):
    for number in range(150):
        fake.add("companies", str(number), ms=START_MS)
    patches = [PropertyPatch("account", str(number), {"upsell_status": "won"}) for number in range(150)]
    assert crm.patch_properties(patches) == {}
    assert [len(request.json["inputs"]) for request in server.requests] == [100, 50]
    assert {row["properties"]["upsell_status"] for row in fake.records["companies"].values()} == {"won"}


def test_two_patches_of_one_object_become_one(fake, crm):
    fake.add("companies", "1", ms=START_MS)
    patches = [PropertyPatch("account", "1", {"a": "1", "b": "1"}), PropertyPatch("account", "1", {"b": "2"})]
    assert crm.patch_properties(patches) == {}
    properties = fake.records["companies"]["1"]["properties"]
    assert (properties["a"], properties["b"]) == ("1", "2")


def test_an_object_that_is_gone_is_named_and_the_rest_is_written(fake, crm):
    fake.add("companies", "1", ms=START_MS)
    patches = [PropertyPatch("account", id, {"upsell_status": "won"}) for id in ("1", "2")]
    refused = crm.patch_properties(patches)
    assert refused == {"2": "Could not get some companies objects, they may be deleted"}
    assert fake.records["companies"]["1"]["properties"]["upsell_status"] == "won"


def test_one_bad_value_does_not_take_the_batch_with_it(fake, crm):
    for number in range(9):
        fake.add("companies", str(number), ms=START_MS)
    patches = [PropertyPatch("account", str(n), {"upsell_status": "bad" if n == 4 else "won"}) for n in range(9)]
    refused = crm.patch_properties(patches)
    assert refused == {"4": "HubSpot refused (HTTP 400): bad is not valid, ask [address]"}
    written = [row for row in fake.records["companies"].values() if row["properties"].get("upsell_status") == "won"]
    assert len(written) == 8


def test_a_deal_written_twice_is_one_deal_with_its_links(fake, crm):
    fake.add("companies", "1", ms=START_MS)
    fake.add("contacts", "5", ms=START_MS)
    for _ in range(2):
        assert crm.upsert_deals([deal(contact_id="5")]) == {}
    [row] = fake.records["deals"].values()
    assert row["properties"]["upsell_conversion_id"] == "c-1"
    assert row["properties"]["amount"] == "120.00"
    assert row["properties"]["dealstage"] == "closedwon"
    assert set(fake.links) == {("deals", row["id"], "companies", "1"), ("deals", row["id"], "contacts", "5")}


def test_a_deal_whose_company_is_gone_says_so_and_the_others_are_linked(fake, crm):
    fake.add("companies", "1", ms=START_MS)
    refused = crm.upsert_deals([deal("c-1"), deal("c-2", company_id="404")])
    assert list(refused) == ["c-2"]
    assert "not linked to its companies" in refused["c-2"]
    assert [link[3] for link in fake.links] == ["1"]


def test_a_ticket_comes_with_its_companies_and_contacts_the_primary_one_first(fake, crm):
    fake.add("tickets", "1", ms=START_MS, companies=["7", "8"], contacts=["5"])
    fake.add("tickets", "2", ms=START_MS)
    for since in (None, START):
        records = [record for page in pages_of(crm, kind="ticket", since=since) for record in page.records]
        assert [(one.id, one.associations, one.contacts) for one in records] == [
            ("1", ("7", "8"), ("5",)), ("2", (), ()),
        ]  # fmt: skip


def test_an_archived_ticket_is_given_without_asking_for_its_links(fake, crm):
    fake.add("tickets", "1", ms=START_MS, archived=True, companies=["7"])
    [record] = [record for page in pages_of(crm, kind="ticket") for record in page.records]
    assert (record.archived, record.associations) == (True, ())


def test_a_task_written_twice_is_one_task_as_it_stands_last(fake, crm):
    fake.add("companies", "1", ms=START_MS)
    fake.add("contacts", "5", ms=START_MS)
    assert crm.upsert_tasks([task(contact_id="5")]) == {}
    assert crm.upsert_tasks([task(), task(state="DONE", outcome="INTERESTED")]) == {}
    [row] = fake.records["tasks"].values()
    assert row["properties"]["upsell_task_id"] == "t-1"
    assert (row["properties"]["hs_task_status"], row["properties"]["upsell_task_outcome"]) == (
        "COMPLETED",
        "INTERESTED",
    )
    assert row["properties"]["hs_task_body"] == "9 of 10 seats<br>Ask &lt; why &gt;"
    assert set(fake.links) == {("tasks", row["id"], "companies", "1"), ("tasks", row["id"], "contacts", "5")}


def test_one_bad_value_is_looked_for_no_longer_than_whoever_waits_holds_its_lease(monkeypatch):
    """The last request begins after at most half a minute, and has an answer within the time-out."""
    began: list[float] = []
    monkeypatch.setattr("orchestrator.connectors.hubspot.batches.time.monotonic", lambda: 4 * len(began))

    def send(inputs):
        began.append(4 * len(began))
        if any(one["id"] == "99" for one in inputs):
            raise ConnectorRefusal("bad")
        return SimpleNamespace(results=[SimpleNamespace(id=one["id"]) for one in inputs])

    inputs = [{"id": str(number)} for number in range(100)]
    written, refused = batches.write(send, inputs, lambda result: result.id, until=batches.end())

    assert (began[-1], len(written)) == (28, 93)
    assert set(refused.values()) == {NOT_ASKED}


def test_what_there_is_no_time_to_link_is_to_be_asked_for_again(crm, server):
    links = [("c-1", "9", "1")]
    refused = batches.link(crm._api, source="deals", target="companies", links=links, until=0)
    assert (refused, server.requests) == ({"c-1": NOT_ASKED}, [])


def test_a_task_called_off_is_put_off_in_hubspot(fake, crm):
    fake.add("companies", "1", ms=START_MS)
    crm.upsert_tasks([task(state="CANCELLED")])
    assert next(iter(fake.records["tasks"].values()))["properties"]["hs_task_status"] == "DEFERRED"


def test_a_wrong_token_is_a_refusal_of_the_whole(crm, server):
    server.default = provider.Reply.of_json({"category": "INVALID_AUTHENTICATION", "message": "no"}, 401)
    with pytest.raises(ConnectorRefusal, match="HUBSPOT_ACCESS_TOKEN"):
        crm.patch_properties([PropertyPatch("account", str(n), {"a": "b"}) for n in range(4)])
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "policy", "wait"),
    [({"Retry-After": "7"}, "DAILY", 7), ({}, "TEN_SECONDLY_ROLLING", 10), ({}, "SECONDLY", 1), ({}, "NEW", None)],
)
def test_a_rate_limit_is_busy_and_says_how_long(crm, server, headers, policy, wait):
    server.default = provider.Reply.of_json({"category": "RATE_LIMITS", "policyName": policy}, 429, headers)
    with pytest.raises(ConnectorBusy) as caught:
        crm.set_up()
    assert caught.value.retry_after_s == wait


@pytest.mark.parametrize(
    "answer",
    [provider.Reply(500), provider.Reply(503), provider.Reply(423), provider.RESET, provider.HANG, provider.GARBAGE],
)
def test_faults_are_busy_and_asked_once(crm, server, answer):
    server.default = answer
    with pytest.raises(ConnectorBusy):
        crm.set_up()
    assert len(server.requests) == 1


def test_an_unreadable_answer_is_busy(crm, server):
    server.default = provider.Reply.of_json(["what", "is", "this"])
    with pytest.raises(ConnectorBusy):
        pages_of(crm, since=START)


def test_a_hubspot_that_cannot_be_reached_is_busy():
    crm = HubSpotCrm(access_token="t", api_base=f"http://127.0.0.1:{provider.closed_port()}", timeout_s=1)
    with pytest.raises(ConnectorBusy):
        crm.set_up()


def test_no_error_repeats_hubspots_echo_of_an_address(crm, server):
    server.default = provider.Reply.of_json({"message": "dana.levi@customer.example is no company"}, 400)
    with pytest.raises(ConnectorRefusal) as caught:
        crm.set_up()
    assert "dana.levi" not in "".join(traceback.format_exception(caught.value))
