from __future__ import annotations

from decimal import Decimal

import pytest
import stripe

from orchestrator.sandbox.server import Sandbox
from orchestrator.sandbox.stripe_form import FormError, parse_form
from tests.orchestrator.sandbox.conftest import settle, wait_until


def client_of(sandbox: Sandbox) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test", base_addresses={"api": f"{sandbox.base_url}/stripe"}, max_network_retries=0)


def basic_account(company):
    return next(a for a in company.accounts if a.plan == "basic" and a.status == "active")


def up_one(sandbox: Sandbox, account, *, key: str, quantity: int = 1):
    price = account.price
    return client_of(sandbox).v1.subscriptions.update(
        f"sub_{account.external_id}",
        params={
            "items": [
                {
                    "id": f"si_{account.external_id}",
                    "price": f"price_team_{price.interval}_{price.currency}".lower(),
                    "quantity": quantity,
                }
            ],
            "proration_behavior": "create_prorations",
            "expand": ["customer"],
        },
        options={"idempotency_key": key},
    )


def test_nested_form_names_become_lists_and_objects() -> None:
    body = b"items[0][id]=si_1&items[0][price]=price_1&items[1][price]=p2&expand[]=a&expand[]=b&metadata[x]=1&flag=true"
    assert parse_form(body) == {
        "items": [{"id": "si_1", "price": "price_1"}, {"price": "p2"}],
        "expand": ["a", "b"],
        "metadata": {"x": "1"},
        "flag": "true",
    }


def test_a_name_that_is_value_and_object_is_refused() -> None:
    with pytest.raises(FormError):
        parse_form(b"a=1&a[b]=2")


def test_subscriptions_are_listed_page_by_page(start, company) -> None:
    client = client_of(start(sink=True))
    ids = [row.id for row in client.v1.subscriptions.list(params={"limit": 50, "status": "all"}).auto_paging_iter()]
    assert ids == [f"sub_{account.external_id}" for account in company.accounts]


def test_periods_are_on_the_items_as_in_the_new_api(start, company) -> None:
    subscription = client_of(start(sink=True)).v1.subscriptions.retrieve(f"sub_{company.accounts[0].external_id}")
    item = subscription.to_dict()["items"]["data"][0]
    assert item["current_period_end"] > item["current_period_start"]
    assert "current_period_end" not in subscription.to_dict()


def test_prices_are_found_by_lookup_key(start) -> None:
    found = client_of(start(sink=True)).v1.prices.list(params={"lookup_keys": ["team_month_usd"], "active": True})
    assert [(row.id, row.metadata["plan"], row.unit_amount) for row in found.data] == [
        ("price_team_month_usd", "team", 9900)
    ]


def test_a_change_replaces_the_item_and_is_told_by_signed_webhooks(start, company, product) -> None:
    sandbox, account = start(), basic_account(company)
    changed = up_one(sandbox, account, key="k-1").to_dict()
    assert [item["price"]["metadata"]["plan"] for item in changed["items"]["data"]] == ["team"]
    assert changed["customer"]["metadata"]["account_external_id"] == account.external_id

    wait_until(
        lambda: {"customer.subscription.updated", "invoice.paid"} <= {e["type"] for e in product.events("stripe")}
    )
    for _, headers, body in product.webhooks:
        assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_test")
    update = next(e for e in product.events("stripe") if e["type"] == "customer.subscription.updated")
    old = update["data"]["previous_attributes"]["items"]["data"][0]["price"]["metadata"]["plan"]
    assert (old, update["request"]["idempotency_key"]) == ("basic", "k-1")


def test_the_same_key_changes_once_and_answers_the_same(start, company) -> None:
    sandbox, account = start(sink=True), basic_account(company)
    first, again = up_one(sandbox, account, key="same"), up_one(sandbox, account, key="same")
    assert first.to_dict() == again.to_dict()
    assert len([event for event in sandbox.events.kept if event["type"] == "customer.subscription.updated"]) == 1


def test_the_same_key_with_other_parameters_is_refused(start, company) -> None:
    sandbox, account = start(sink=True), basic_account(company)
    up_one(sandbox, account, key="same")
    with pytest.raises(stripe.IdempotencyError):
        up_one(sandbox, account, key="same", quantity=2)


def test_an_unknown_item_or_price_changes_nothing(start, company) -> None:
    sandbox, account = start(sink=True), basic_account(company)
    client = client_of(sandbox)
    for item in ({"id": "si_none", "price": "price_team_month_usd"}, {"id": f"si_{account.external_id}", "price": "x"}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.subscriptions.update(f"sub_{account.external_id}", params={"items": [item]})
    assert sandbox.events.kept == []


def test_an_item_without_its_id_is_added_beside_the_first(start, company) -> None:
    sandbox, account = start(sink=True), basic_account(company)
    price = f"price_team_{account.price.interval}_{account.price.currency}".lower()
    changed = client_of(sandbox).v1.subscriptions.update(
        f"sub_{account.external_id}", params={"items": [{"price": price}]}
    )
    assert len(changed.to_dict()["items"]["data"]) == 2


def test_a_change_by_the_product_is_known_to_the_truth(start, company) -> None:
    sandbox, account = start(sink=True), basic_account(company)
    up_one(sandbox, account, key="k")
    state = sandbox.truth.accounts[account.external_id]
    assert state.upgraded_by == "product"
    assert state.realised_delta == state.delta > Decimal(0)


def test_announce_tells_every_price_subscription_and_unnamed_customer(start, company, product) -> None:
    sandbox = start()
    assert sandbox.stripe.announce() == 32 + 120 + 30
    wait_until(lambda: len({e["id"] for e in product.events("stripe")}) >= 32 + 120 + 30 - 20, seconds=20)
    settle(sandbox, until=None)
    told = product.events("stripe")
    named = [e["data"]["object"] for e in told if e["type"] == "customer.subscription.created"]
    assert any(row["metadata"] for row in named)
    assert any(not row["metadata"] for row in named)


def test_cancelling_is_told_and_ends_the_subscription(start, company) -> None:
    sandbox, account = start(sink=True), basic_account(company)
    cancelled = client_of(sandbox).v1.subscriptions.cancel(f"sub_{account.external_id}")
    assert cancelled.status == "canceled"
    assert [event["type"] for event in sandbox.events.kept] == ["customer.subscription.deleted"]


def test_events_can_be_listed_newest_first(start, company) -> None:
    sandbox, account = start(sink=True), basic_account(company)
    up_one(sandbox, account, key="k")
    kinds = [event.type for event in client_of(sandbox).v1.events.list(params={"limit": 10}).data]
    assert kinds == ["customer.subscription.updated", "invoice.paid"]
