from __future__ import annotations

import traceback
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
import time_machine

from orchestrator.connectors import registry
from orchestrator.connectors.contract import ConnectorBusy, ConnectorMisconfigured, ConnectorRefusal, ListPrice
from orchestrator.connectors.hubspot.client import HubSpotCrm
from orchestrator.connectors.stripe.client import StripeBilling
from tests.contracts import provider
from tests.orchestrator.connectors.test_stripe_events import subscription

CHANGE = {
    "subscription_id": "sub_7",
    "item_id": "si_7",
    "price_id": "price_team_month_usd",
    "quantity": 4,
    "idempotency_key": "quote-1",
}


@pytest.fixture
def server():
    with provider.running(provider.Reply.of_json(subscription())) as running:
        yield running


@pytest.fixture
def billing(server):
    return StripeBilling(api_key="sk_test", api_base=server.url + "/stripe", timeout_s=1)


def test_a_change_replaces_the_one_item_prorated_under_our_own_key(billing, server):
    with time_machine.travel(datetime(2026, 2, 2, 2, 40, 0, 700_000, tzinfo=UTC), tick=False):
        state = billing.change_plan(**CHANGE)
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/stripe/v1/subscriptions/sub_7")
    assert request.headers["Idempotency-Key"] == "quote-1"
    assert request.headers["Authorization"] == "Bearer sk_test"
    form = dict(parse_qsl(request.body.decode()))
    assert form["items[0][id]"] == "si_7"
    assert form["items[0][price]"] == "price_team_month_usd"
    assert form["items[0][quantity]"] == "4"
    assert form["proration_behavior"] == "create_prorations"
    assert "items[1][id]" not in form
    assert (state.plan_code, state.mrr) == ("team", Decimal("99.00"))
    assert state.as_of == datetime(2026, 2, 2, 2, 40, tzinfo=UTC)


def test_the_same_change_is_the_same_request(billing, server):
    billing.change_plan(**CHANGE)
    billing.change_plan(**CHANGE)
    first, second = server.requests
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_a_subscription_is_fetched_with_its_discounts(billing, server):
    assert billing.fetch_subscription(subscription_id="sub_7").external_id == "sub_7"
    assert "discounts.source.coupon" in str(parse_qsl(server.requests[0].path.partition("?")[2]))


def test_all_subscriptions_are_listed_page_by_page(billing, server):
    pages = [[subscription(id="sub_1"), subscription(id="sub_2")], [subscription(id="sub_3")]]
    for number, data in enumerate(pages):
        body = {"object": "list", "data": data, "has_more": number == 0, "url": "/v1/subscriptions"}
        server.script.append(provider.Reply.of_json(body))
    assert [state.external_id for state in billing.list_subscriptions()] == ["sub_1", "sub_2", "sub_3"]
    assert "starting_after=sub_2" in server.requests[1].path


YEARLY = {"currency": "ils", "unit_amount": 120_000, "recurring": {"interval": "year", "interval_count": 1}}


def test_a_price_is_found_by_its_key_with_what_it_costs(billing, server):
    price = {"id": "price_9", "object": "price", "lookup_key": "team_year_ils", **YEARLY}
    body = {"object": "list", "data": [price], "has_more": False, "url": "/v1/prices"}
    server.default = provider.Reply.of_json(body)

    found = billing.find_price(lookup_key="team_year_ils", currency="ILS", quantity=3)

    assert found == ListPrice("price_9", "ILS", Decimal("300.00"), "YEAR")
    assert billing.find_price(lookup_key="gone", currency="ILS", quantity=1) is None


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, ("ILS", Decimal("100.00"), "YEAR")),
        ({"currency_options": {"ron": {"unit_amount": 60_000}}}, ("RON", Decimal("50.00"), "YEAR")),
        ({"recurring": {"interval": "month", "interval_count": 3}}, ("ILS", Decimal("400.00"), "")),
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, ("ILS", None, "MONTH")),
    ],
)
def test_a_price_is_read_in_the_currency_that_is_charged(billing, server, terms, expected):
    server.default = provider.Reply.of_json({"id": "price_9", "object": "price", "active": True, **YEARLY, **terms})
    found = billing.read_price(price_id="price_9", currency="RON", quantity=1)
    assert (found.currency, found.monthly, found.interval) == expected


@pytest.mark.parametrize(
    "answer",
    [
        provider.Reply.of_json({"error": {"message": "oops"}}, 500),
        provider.Reply.of_json({"error": {"message": "locked", "code": "lock_timeout"}}, 409),
        provider.Reply(200, body=b"<html>"),
        provider.RESET,
        provider.HANG,
        provider.GARBAGE,
    ],
)
def test_faults_are_busy_and_asked_once(billing, server, answer):
    server.default = answer
    with pytest.raises(ConnectorBusy):
        billing.change_plan(**CHANGE)
    assert len(server.requests) == 1


def test_a_rate_limit_is_busy_and_says_how_long(billing, server):
    server.default = provider.Reply.of_json({"error": {"message": "slow"}}, 429, {"Retry-After": "3"})
    with pytest.raises(ConnectorBusy) as caught:
        billing.fetch_subscription(subscription_id="sub_7")
    assert caught.value.retry_after_s == 3


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (400, {"message": "No such item: 'x'", "code": "resource_missing", "param": "items[0][id]"}, "No such item"),
        (402, {"message": "Card declined", "type": "card_error", "code": "card_declined"}, "Card declined"),
        (404, {"message": "No such subscription"}, "No such subscription"),
    ],
)
def test_a_definite_no_is_a_refusal(billing, server, status, error, told):
    server.default = provider.Reply.of_json({"error": error}, status)
    with pytest.raises(ConnectorRefusal, match=told) as caught:
        billing.change_plan(**CHANGE)
    assert not isinstance(caught.value, ConnectorMisconfigured)
    assert len(server.requests) == 1


PRICE = {"type": "invalid_request_error", "param": "items[0][price]"}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, PRICE | {"message": "No such price: 'price_x'", "code": "resource_missing"}),
        (400, PRICE | {"message": "The price specified is inactive. This field only accepts active prices."}),
        (404, {"message": "No such subscription; a similar object exists in live mode, but a test mode key was used."}),
        (400, {"type": "idempotency_error", "message": "Keys for idempotent requests can only be used with the same"}),
    ],
)
def test_what_is_about_our_prices_or_our_key_is_our_fault(billing, server, status, error):
    server.default = provider.Reply.of_json({"error": error}, status)
    with pytest.raises(ConnectorMisconfigured, match=error["message"][:12]):
        billing.change_plan(**CHANGE)


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_our_fault_and_no_customers(billing, server, status):
    server.default = provider.Reply.of_json({"error": {"message": "Invalid key"}}, status)
    with pytest.raises(ConnectorMisconfigured, match="STRIPE_API_KEY"):
        billing.change_plan(**CHANGE)


def test_a_change_whose_answer_cannot_be_read_is_no_refusal(billing, server):
    server.default = provider.Reply.of_json(subscription(items={"object": "list", "data": []}))
    with pytest.raises(ConnectorBusy, match="made the change"):
        billing.change_plan(**CHANGE)


def test_a_stripe_that_cannot_be_reached_is_busy():
    billing = StripeBilling(api_key="k", api_base=f"http://127.0.0.1:{provider.closed_port()}", timeout_s=1)
    with pytest.raises(ConnectorBusy):
        billing.fetch_subscription(subscription_id="sub_7")


def test_no_error_repeats_stripes_echo_of_an_address(billing, server):
    server.default = provider.Reply.of_json({"error": {"message": "dana.levi@customer.example has no card"}}, 402)
    with pytest.raises(ConnectorRefusal) as caught:
        billing.change_plan(**CHANGE)
    assert "dana.levi" not in "".join(traceback.format_exception(caught.value))


def test_a_subscription_that_cannot_be_read_is_a_refusal(billing, server):
    server.default = provider.Reply.of_json(subscription(items={"object": "list", "data": []}))
    with pytest.raises(ConnectorRefusal, match="no items"):
        billing.fetch_subscription(subscription_id="sub_7")


def test_a_connector_without_a_key_is_not_connected(settings):
    settings.HUBSPOT_ACCESS_TOKEN = settings.STRIPE_API_KEY = ""
    assert registry.connected_crms() == ()
    with pytest.raises(registry.NotConnected):
        registry.crm("hubspot")
    with pytest.raises(registry.NotConnected):
        registry.billing("stripe")


def test_a_connector_with_a_key_is_built_once(settings):
    settings.HUBSPOT_ACCESS_TOKEN, settings.STRIPE_API_KEY = "pat", "sk"
    assert isinstance(registry.crm("hubspot"), HubSpotCrm)
    assert isinstance(registry.billing("stripe"), StripeBilling)
    assert registry.crm("hubspot") is registry.crm("hubspot")
    assert registry.connected_crms() == ("hubspot",)


def test_a_billing_system_is_no_crm(settings):
    settings.STRIPE_API_KEY = "sk"
    with pytest.raises(registry.NotConnected):
        registry.crm("stripe")
