"""The official clients, the product's own adapters and the simulated outside world, wire to wire."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from orchestrator.channels.contract import Busy, Refusal, Unclear
from orchestrator.channels.events import RejectReason
from orchestrator.channels.sendgrid.channel import SendGridChannel
from orchestrator.channels.twilio.channel import TwilioChannel
from orchestrator.connectors.contract import ConnectorMisconfigured, CrmRecord, DealUpsert, PropertyPatch, TaskUpsert
from orchestrator.connectors.hubspot.client import HubSpotCrm
from orchestrator.connectors.mapping import DEFAULT_HUBSPOT, apply_mapping
from orchestrator.connectors.stripe import events
from orchestrator.connectors.stripe.client import StripeBilling
from orchestrator.sandbox import company as companies
from orchestrator.sandbox import server, stripe_webhooks
from orchestrator.sandbox.faults import FaultPlan
from orchestrator.webhooks import signatures
from tests.contracts.channel_cases import message

ACCOUNTS = 130


@pytest.fixture(scope="module")
def company():
    return companies.generate(seed=7, accounts=ACCOUNTS, until=date(2026, 2, 1))


@pytest.fixture
def sandbox(company):
    running = server.start_in_thread(
        product_base="http://127.0.0.1:9", company=company, stripe_webhook_secret="whsec_test", sink=True
    )
    yield running
    running.stop()


@pytest.fixture
def crm(sandbox):
    return HubSpotCrm(access_token="pat", api_base=sandbox.base_url + "/hubspot", timeout_s=5)


@pytest.fixture
def billing(sandbox):
    return StripeBilling(api_key="sk", api_base=sandbox.base_url + "/stripe", timeout_s=5)


@pytest.fixture
def channel(sandbox):
    return SendGridChannel(
        api_key="SG.k", api_base=sandbox.base_url + "/sendgrid", from_email="hi@acme.example", timeout_s=1
    )


def pulled(crm: HubSpotCrm, kind: str, since: datetime | None = None) -> list[CrmRecord]:
    columns = DEFAULT_HUBSPOT[kind].source_columns()
    return [record for page in crm.pull(kind=kind, properties=columns, since=since) for record in page.records]


def test_the_crm_gives_every_company_and_contact_once(crm, company):
    assert {record.id for record in pulled(crm, "account")} == {one.external_id for one in company.accounts}
    contacts = pulled(crm, "contact")
    assert len(contacts) == len({record.id for record in contacts}) == len(company.hubspot_contacts())
    assert all(len(record.associations) == 1 for record in contacts)


def test_the_default_mapping_reads_every_record_of_the_crm(crm):
    for kind in ("account", "contact", "ticket"):
        for record in pulled(crm, kind):
            mapped = apply_mapping(DEFAULT_HUBSPOT[kind], record.properties)
            assert mapped.errors == []
            assert mapped.fields


def test_what_changed_comes_again_with_its_company(crm):
    *_, last = crm.pull(kind="contact", properties=["email"], since=None)
    assert last.watermark is not None
    since = last.watermark - timedelta(days=10)
    changed = pulled(crm, "contact", since=since)
    expected = {one.id for one in pulled(crm, "contact") if one.updated_at >= since - timedelta(minutes=2)}
    assert {record.id for record in changed} == expected
    assert all(record.associations for record in changed)


def test_a_conversion_is_written_back_twice_and_is_there_once(crm, sandbox, company):
    assert len(crm.set_up()) == 9
    assert crm.set_up() == []
    account = company.accounts[0].external_id
    contact = pulled(crm, "contact")[0].id
    for _ in range(2):
        assert crm.patch_properties([PropertyPatch("account", account, {"upsell_status": "won"})]) == {}
        deal = DealUpsert("c-1", "Team", Decimal("70.00"), "USD", datetime(2026, 2, 1, tzinfo=UTC), account, contact)
        assert crm.upsert_deals([deal]) == {}
    [row] = sandbox.hubspot.store.all("deals")
    assert row.joined == {"companies": [account], "contacts": [contact]}
    assert sandbox.hubspot.store.find("companies", account).properties["upsell_status"] == "won"


def test_a_task_is_written_open_then_done_and_is_there_once(crm, sandbox, company):
    crm.set_up()
    account, contact = company.accounts[0].external_id, pulled(crm, "contact")[0].id
    due = datetime(2026, 2, 3, 9, tzinfo=UTC)
    for state, outcome in (("OPEN", ""), ("DONE", "INTERESTED")):
        task = TaskUpsert("task-1", "Call Harbour Line", "Seats", due, state, outcome, account, contact)
        assert crm.upsert_tasks([task]) == {}
    [row] = sandbox.hubspot.store.all("tasks")
    assert row.joined == {"companies": [account], "contacts": [contact]}
    assert (row.properties["hs_task_status"], row.properties["upsell_task_outcome"]) == ("COMPLETED", "INTERESTED")


def test_every_ticket_comes_with_its_company_and_contact(crm, company):
    records = pulled(crm, "ticket")
    assert {record.id for record in records} == {ticket.external_id for ticket in company.tickets}
    told = {(record.id, record.associations, record.contacts) for record in records}
    assert told == {(one.external_id, (one.account_id,), (one.contact_id,)) for one in company.tickets}


def test_a_write_back_to_a_company_that_is_gone_names_it(crm, company):
    crm.set_up()
    ids = [company.accounts[0].external_id, "404"]
    refused = crm.patch_properties([PropertyPatch("account", one, {"upsell_status": "won"}) for one in ids])
    assert list(refused) == ["404"]


def test_billing_lists_every_subscription_with_a_plan(billing):
    states = list(billing.list_subscriptions())
    assert len(states) == len({state.external_id for state in states}) == ACCOUNTS
    assert {state.plan_code for state in states} <= {"basic", "team", "pro", "enterprise"}
    assert all(state.mrr > 0 for state in states if state.status == "ACTIVE")


def test_a_plan_change_with_one_key_happens_once(billing, sandbox):
    state = next(one for one in billing.list_subscriptions() if one.plan_code == "basic" and one.status == "ACTIVE")
    wanted = f"team_{state.interval}_{state.currency}".lower()
    price = billing.find_price(lookup_key=wanted, currency=state.currency, quantity=1)
    assert billing.read_price(price_id=price.id, currency=state.currency, quantity=1) == price
    change = {
        "subscription_id": state.external_id,
        "item_id": state.item_id,
        "price_id": price.id,
        "quantity": 1,
        "idempotency_key": "quote-1",
    }
    first, second = billing.change_plan(**change), billing.change_plan(**change)
    assert (first.plan_code, first.price_id) == (second.plan_code, second.price_id) == ("team", price.id)
    assert (first.mrr, first.currency) == (price.monthly, price.currency)
    assert first.mrr > state.mrr
    updates = [one for one in sandbox.events.kept if one["type"] == "customer.subscription.updated"]
    assert len(updates) == 1
    event = events.parse_event(json.dumps(updates[0]).encode())
    assert event.subscription is not None
    assert event.subscription.mrr == first.mrr


def test_a_plan_change_to_an_unknown_price_is_our_fault(billing):
    state = next(iter(billing.list_subscriptions()))
    with pytest.raises(ConnectorMisconfigured, match="No such price"):
        billing.change_plan(
            subscription_id=state.external_id,
            item_id=state.item_id,
            price_id="price_x",
            quantity=1,
            idempotency_key="k",
        )


def test_billings_webhooks_are_signed_as_we_check():
    now = datetime(2026, 2, 2, 2, 40, tzinfo=UTC)
    header = stripe_webhooks.sign("whsec_test", b"{}", at=int(now.timestamp()))
    signatures.verify_stripe(body=b"{}", header=header, secret="whsec_test", wall_now=now)


def test_a_mail_is_taken_and_kept_under_our_id(channel, sandbox):
    sent = message(headers={"List-Unsubscribe": "<https://crescendo.example/u/t>"})
    assert channel.send(sent).provider_id


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ({"rate_429": 1}, Busy),
        ({"rate_5xx_before": 1}, Unclear),
        ({"rate_5xx_after": 1}, Unclear),
        ({"rate_hang": 1, "hang_s": 3}, Unclear),
        ({"rate_reset": 1}, Unclear),
    ],
)
def test_the_sandboxs_faults_are_named(channel, sandbox, faults, error):
    sandbox.faults["sendgrid"].set(FaultPlan.parse(faults))
    with pytest.raises(error):
        channel.send(message())


def test_a_mail_without_a_sender_waits_for_the_settings(sandbox):
    channel = SendGridChannel(api_key="SG.k", api_base=sandbox.base_url + "/sendgrid", from_email="", timeout_s=2)
    with pytest.raises(Busy):
        channel.send(message())


@pytest.fixture
def texts(sandbox):
    return TwilioChannel(
        account_sid="AC" + "0" * 32,
        auth_token="sandbox",
        bases=dict.fromkeys(("api", "messaging", "lookups"), sandbox.base_url + "/twilio"),
        public_base_url="https://crescendo.example",
        messaging_service_sid="MG" + "0" * 32,
        timeout_s=1,
    )


def text(to="+972501234567", **changes):
    return message(address=to, text="More room", **changes)


def test_a_text_message_arrives_with_our_id(texts, sandbox):
    sent = text()
    receipt = texts.send(sent)
    [line] = [one.line() for one in sandbox.twilio.accepted]
    assert (line["provider_id"], line["message"]) == (receipt.provider_id, str(sent.message_id))
    assert line["user_agent"].startswith("twilio-python/")
    assert line["validity_period"] == 14400


def test_what_the_sms_provider_says_becomes_one_of_three_outcomes(texts, sandbox):
    with pytest.raises(Refusal) as stopped:
        texts.send(text("+15005550004"))
    assert (stopped.value.code, stopped.value.reject) == ("21610", RejectReason.OPTED_OUT)
    sandbox.faults["twilio"].set(FaultPlan(rate_429=1.0))
    with pytest.raises(Busy):
        texts.send(text())
    for plan in (FaultPlan(rate_5xx_before=1.0), FaultPlan(rate_reset=1.0), FaultPlan(rate_hang=1.0, hang_s=2.0)):
        sandbox.faults["twilio"].set(plan)
        with pytest.raises(Unclear):
            texts.send(text())
