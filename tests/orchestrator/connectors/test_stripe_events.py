from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.connectors.stripe import events, mrr
from orchestrator.webhooks.errors import Unreadable

FIXTURES = Path(__file__).parents[2] / "fixtures/webhooks/stripe"
UPDATED = FIXTURES / "subscription_updated.json"
AS_OF = datetime(2026, 2, 2, 2, 40, tzinfo=UTC)
AT = 1770000000


def subscription(**changes: Any) -> dict[str, Any]:
    return {**json.loads(UPDATED.read_bytes())["data"]["object"], **changes}


def item(
    amount: str | None = "9900", *, quantity: int = 1, interval: str = "month", count: int = 1, **price: Any
) -> dict[str, Any]:
    recurring = {"interval": interval, "interval_count": count, "usage_type": "licensed"}
    return {
        "id": "si_1",
        "quantity": quantity,
        "current_period_end": 1772419200,
        "price": {"id": "price_1", "unit_amount_decimal": amount, "recurring": recurring, **price},
    }


def revenue(*items: dict[str, Any], **changes: Any) -> Decimal:
    return mrr.monthly_revenue(subscription(items={"data": list(items)}, **changes), at=AT)


def coupon(**values: Any) -> dict[str, Any]:
    return {"coupon": {"duration": "forever", **values}, "end": None}


def test_an_update_becomes_a_subscription_in_our_words():
    event = events.parse_event(UPDATED.read_bytes())
    assert (event.id, event.kind, event.at) == ("evt_1", "customer.subscription.updated", AS_OF)
    state = event.subscription
    assert state is not None
    assert state.external_id == "sub_7"
    assert state.customer_id == "cus_7"
    assert state.account_external_id == "7"
    assert (state.plan_code, state.price_id, state.item_id) == ("team", "price_team_month_usd", "si_7")
    assert (state.status, state.currency, state.interval, state.quantity) == ("ACTIVE", "USD", "MONTH", 1)
    assert state.mrr == Decimal("99.00")
    assert state.started_at == datetime(2025, 6, 1, 8, tzinfo=UTC)
    assert state.renews_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert (state.ended_at, state.trial_ends_at, state.cancel_scheduled) == (None, None, False)
    assert state.as_of == AS_OF


def test_an_event_without_a_subscription_carries_none():
    event = events.parse_event((FIXTURES / "customer_created.json").read_bytes())
    assert event.subscription is None
    assert events.customer_link(event) == events.CustomerLink(customer_id="cus_7", account_external_id="7")


def test_a_subscription_event_links_no_customer():
    assert events.customer_link(events.parse_event(UPDATED.read_bytes())) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"object": "event", "id": "evt_1", "type": "x", "created": 1}',
        b'{"object": "event", "id": "evt_1", "type": "x", "created": "now", "data": {"object": {}}}',
        b'{"object": "event", "type": "x", "created": 1, "data": {"object": {}}}',
        b'{"object": "v2.core.event", "id": "evt_1", "type": "x", "created": 1}',
    ],
)
def test_what_is_no_snapshot_event_is_unreadable(body):
    with pytest.raises(Unreadable):
        events.parse_event(body)


@pytest.mark.parametrize(
    "changes",
    [{"id": None}, {"status": None}, {"items": {"data": []}}, {"start_date": "x"}, {"items": {"data": [item("many")]}}],
)
def test_a_subscription_that_cannot_be_read_says_so(changes):
    with pytest.raises(Unreadable):
        events.parse_subscription(subscription(**changes), as_of=AS_OF)


@pytest.mark.parametrize(
    ("lookup_key", "metadata", "plan"),
    [
        ("team_usd_month", {}, "team"),
        ("team_month_usd", {}, "team"),
        ("team_plus_usd_year", {}, "team_plus"),
        ("gold", {}, "gold"),
        ("team_usd_month", {"plan": "pro"}, "pro"),
        (None, None, ""),
    ],
)
def test_the_price_names_the_plan(lookup_key, metadata, plan):
    priced = item(lookup_key=lookup_key, metadata=metadata)
    state = events.parse_subscription(subscription(items={"data": [priced]}), as_of=AS_OF)
    assert state.plan_code == plan


def test_of_several_items_the_one_with_a_plan_speaks():
    addon = {**item("500"), "id": "si_addon"}
    main = {**item("9900", quantity=3, lookup_key="team_usd_month"), "id": "si_main"}
    state = events.parse_subscription(subscription(items={"data": [addon, main]}), as_of=AS_OF)
    assert (state.item_id, state.quantity, state.mrr) == ("si_main", 3, Decimal("302.00"))


def test_an_older_api_keeps_the_period_on_the_subscription():
    old = subscription(current_period_end=1772355600)
    del old["items"]["data"][0]["current_period_end"]
    state = events.parse_subscription(old, as_of=AS_OF)
    assert state.renews_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_the_account_may_stand_on_the_expanded_customer():
    customer = {"id": "cus_9", "object": "customer", "metadata": {"account_external_id": "acme"}}
    state = events.parse_subscription(subscription(customer=customer, metadata={}), as_of=AS_OF)
    assert (state.customer_id, state.account_external_id) == ("cus_9", "acme")


def test_without_metadata_the_customer_id_alone_is_known():
    state = events.parse_subscription(subscription(metadata={}), as_of=AS_OF)
    assert (state.customer_id, state.account_external_id) == ("cus_7", "")


@pytest.mark.parametrize("changes", [{"cancel_at_period_end": True}, {"cancel_at": 1772355600}])
def test_a_scheduled_cancellation_still_counts_until_it_comes(changes):
    state = events.parse_subscription(subscription(**changes), as_of=AS_OF)
    assert (state.cancel_scheduled, state.mrr) == (True, Decimal("99.00"))


@pytest.mark.parametrize(
    ("word", "status", "amount"),
    [
        ("active", "ACTIVE", "99.00"),
        ("past_due", "PAST_DUE", "99.00"),
        ("trialing", "TRIALING", "0.00"),
        ("unpaid", "UNPAID", "0.00"),
        ("paused", "PAUSED", "0.00"),
        ("incomplete", "INCOMPLETE", "0.00"),
        ("incomplete_expired", "CANCELED", "0.00"),
        ("canceled", "CANCELED", "0.00"),
    ],
)
def test_only_paying_states_have_revenue(word, status, amount):
    state = events.parse_subscription(subscription(status=word), as_of=AS_OF)
    assert (state.status, state.mrr) == (status, Decimal(amount))


@pytest.mark.parametrize(
    ("priced", "amount"),
    [
        (item("9900"), "99.00"),
        (item("9900", quantity=3), "297.00"),
        (item("9900", quantity=0), "0.00"),
        (item("120000", interval="year"), "100.00"),
        (item("30000", interval="month", count=3), "100.00"),
        (item("700", interval="week"), "30.42"),
        (item("100", interval="day"), "30.42"),
        (item("0.5", quantity=1000), "5.00"),
        (item("100", quantity=25, transform_quantity={"divide_by": 10, "round": "up"}), "3.00"),
        (item("100", quantity=25, transform_quantity={"divide_by": 10, "round": "down"}), "2.00"),
        (item(None), "0.00"),
        (item("100", recurring={"interval": "month", "usage_type": "metered"}), "0.00"),
        (item("100", recurring=None), "0.00"),
    ],
)
def test_a_price_counts_by_the_month(priced, amount):
    assert revenue(priced) == Decimal(amount)


@pytest.mark.parametrize(
    ("currency", "minor", "amount"), [("jpy", "5000", "5000.00"), ("huf", "500000", "5000.00"), ("kwd", "5000", "5.00")]
)
def test_currencies_have_their_own_minor_units(currency, minor, amount):
    assert revenue(item(minor), currency=currency) == Decimal(amount)


@pytest.mark.parametrize(("quantity", "amount"), [(1, "15.00"), (10, "60.00"), (15, "75.00")])
def test_graduated_tiers_charge_each_unit_in_its_tier(quantity, amount):
    tiers = [
        {"up_to": 10, "unit_amount_decimal": "500", "flat_amount_decimal": "1000"},
        {"up_to": None, "unit_amount_decimal": "300", "flat_amount_decimal": None},
    ]
    priced = item(None, quantity=quantity, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers)
    assert revenue(priced) == Decimal(amount)


@pytest.mark.parametrize(("quantity", "amount"), [(10, "50.00"), (11, "33.00")])
def test_volume_tiers_charge_all_units_in_one_tier(quantity, amount):
    tiers = [{"up_to": 10, "unit_amount": 500}, {"up_to": None, "unit_amount": 300}]
    priced = item(None, quantity=quantity, billing_scheme="tiered", tiers_mode="volume", tiers=tiers)
    assert revenue(priced) == Decimal(amount)


@pytest.mark.parametrize(
    ("discounts", "amount"),
    [
        ([coupon(percent_off=25)], "75.00"),
        ([coupon(percent_off=25), coupon(percent_off=50)], "37.50"),
        ([coupon(amount_off=3000, currency="usd")], "70.00"),
        ([coupon(amount_off=3000, currency="eur")], "100.00"),
        ([coupon(amount_off=30000, currency="usd")], "0.00"),
        ([coupon(percent_off=50, duration="once")], "100.00"),
        ([{**coupon(percent_off=50, duration="repeating"), "end": AT + 1}], "50.00"),
        ([{**coupon(percent_off=50, duration="repeating"), "end": AT}], "100.00"),
        ([{"source": {"coupon": {"percent_off": 10, "duration": "forever"}, "type": "coupon"}}], "90.00"),
        (["di_bare"], "100.00"),
    ],
)
def test_lasting_discounts_lower_the_revenue(discounts, amount):
    assert revenue(item("10000"), discounts=discounts) == Decimal(amount)


def test_an_items_own_discount_comes_before_the_subscriptions():
    discounted = {**item("10000"), "discounts": [coupon(amount_off=2000, currency="usd")]}
    assert revenue(discounted, discounts=[coupon(percent_off=50)]) == Decimal("40.00")


def test_a_yearly_amount_off_is_spread_over_the_year():
    assert revenue(item("120000", interval="year"), discounts=[coupon(amount_off=12000, currency="usd")]) == Decimal(
        "90.00"
    )


def test_paused_collection_counts_nothing():
    assert revenue(item("10000"), pause_collection={"behavior": "void"}) == Decimal("0.00")


def test_discounts_that_came_as_bare_ids_are_known_to_be_unread():
    assert mrr.has_unread_discounts(subscription(discounts=["di_1"]))
    assert not mrr.has_unread_discounts(subscription(discounts=[coupon(percent_off=1)]))


@given(st.integers(0, 10**9), st.integers(0, 500), st.sampled_from(["month", "year"]))
def test_revenue_is_exact_to_the_cent(minor, quantity, interval):
    expected = (Decimal(minor) * quantity / 100 / (12 if interval == "year" else 1)).quantize(Decimal("0.01"))
    assert abs(revenue(item(str(minor), quantity=quantity, interval=interval)) - expected) <= Decimal("0.01")


@given(st.recursive(st.none() | st.integers() | st.text(max_size=8), lambda e: st.lists(e, max_size=2), max_leaves=4))
def test_any_event_is_read_or_unreadable(odd):
    event = json.loads(UPDATED.read_bytes())
    for name in ("items", "status", "customer", "discounts", "metadata", "start_date"):
        broken = copy.deepcopy(event)
        broken["data"]["object"][name] = odd
        try:
            events.parse_event(json.dumps(broken).encode())
        except Unreadable as error:
            assert str(error)
