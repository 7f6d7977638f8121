from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from campaigns.billing import catalog, change, subscribe
from campaigns.billing.models import MrrMovement
from orchestrator.connectors.contract import BillingEvent, ConnectorMisconfigured
from orchestrator.connectors.stripe import events
from tests.campaigns.billing.states import make_state
from tests.contracts import provider
from tests.factories.billing import PlanFactory, PlanPriceFactory
from tests.factories.profiles import AccountFactory
from tests.orchestrator.connectors.test_stripe_events import subscription as stripe_object

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def prices(*ids, **changes):
    terms = {
        "object": "price", "lookup_key": "team_month_usd", "currency": "usd", "unit_amount": 9900,
        "recurring": {"interval": "month", "interval_count": 1}, **changes,
    }  # fmt: skip
    data = [{"id": one, **terms} for one in ids]
    return provider.Reply.of_json({"object": "list", "has_more": False, "data": data})


@pytest.fixture
def stripe(settings):
    """It has the price; the change is made."""
    with provider.running(provider.Reply.of_json(stripe_object())) as running:
        running.script.append(prices("price_team_month_usd"))
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = "sk_test", running.url
        yield running


@pytest.fixture
def basic(db):
    """A subscription to Basic, as billing reported it; billing's answer above moves it to Team at 99."""
    PlanFactory(code="basic", rank=10)
    account = AccountFactory(external_id="7")
    state = make_state(external_id="sub_7", item_id="si_7")
    movement = subscribe.apply_subscription(state=state, account_id=account.pk, cause="evt_0", now=NOW)
    assert movement is not None
    return movement.subscription


@pytest.fixture
def team(db):
    return PlanPriceFactory(
        plan=PlanFactory(code="team", rank=20), unit_amount=Decimal(99), billing_price_id="price_team_month_usd"
    )


def upgrade(subscription, price):
    return change.change_plan(
        subscription=subscription, price=price, quantity=1, monthly=Decimal(99), idempotency_key="quote-1", now=NOW
    )


def test_an_upgrade_is_made_in_billing_and_moves_the_mrr_at_once(stripe, basic, team):
    movement = upgrade(basic, team)

    assert (movement.kind, movement.delta, movement.cause) == ("EXPANSION", Decimal("70.00"), "change:quote-1")
    assert (movement.from_plan.code, movement.to_plan.code) == ("basic", "team")
    assert stripe.requests[1].headers["Idempotency-Key"] == "quote-1"


def test_the_webhook_that_follows_makes_no_second_movement(stripe, basic, team):
    upgrade(basic, team)
    basic.refresh_from_db()
    state = make_state(
        external_id="sub_7", item_id="si_7", plan_code="team", price_id="price_team_month_usd", mrr=Decimal("99.00"),
        as_of=basic.as_of,
    )  # fmt: skip
    again = subscribe.apply_subscription(state=state, account_id=basic.account_id, cause="evt_9", now=NOW)

    assert again is None
    assert MrrMovement.objects.filter(kind="EXPANSION").count() == 1


def test_the_price_is_the_one_that_billing_sells_today(stripe, basic, team):
    stripe.script[0] = prices("price_9")
    upgrade(basic, team)

    team.refresh_from_db()
    assert "price_9" in stripe.requests[1].body.decode()
    assert team.billing_price_id == "price_9"


ARCHIVED = provider.Reply.of_json({"id": "price_team_month_usd", "object": "price", "active": False})


@pytest.mark.parametrize(
    "terms",
    [
        {"unit_amount": 11900},
        {"unit_amount": 118800, "recurring": {"interval": "year"}},
        {"unit_amount": 29700, "recurring": {"interval": "month", "interval_count": 3}},
        {"currency": "eur"},
        {"recurring": {"interval": "month", "usage_type": "metered"}},
    ],
)
def test_another_price_than_was_offered_is_not_charged(stripe, basic, team, terms):
    stripe.script[0] = prices("price_9", **terms)
    stripe.script.append(ARCHIVED)

    with pytest.raises(ConnectorMisconfigured, match="than was offered"):
        upgrade(basic, team)

    assert {request.method for request in stripe.requests} == {"GET"}


def test_after_a_rise_what_was_offered_is_made_at_the_price_that_is_still_sold(stripe, basic, team):
    still = {"id": "price_team_month_usd", "object": "price", "active": True, "currency": "usd", "unit_amount": 9900}
    stripe.script[0] = prices("price_9", unit_amount=11900)
    stripe.script.append(provider.Reply.of_json(still | {"recurring": {"interval": "month"}}))

    assert upgrade(basic, team).delta == Decimal("70.00")
    assert "price_team_month_usd" in stripe.requests[2].body.decode()


@pytest.mark.parametrize("answer", [provider.Reply(503), provider.RESET])
def test_a_question_without_an_answer_is_known_to_have_changed_nothing(stripe, basic, team, answer):
    stripe.script[0] = answer
    with pytest.raises(change.NotAsked):
        upgrade(basic, team)


@pytest.mark.parametrize(
    "answer", [prices(), provider.Reply.of_json({"error": {"message": "Unrecognized URL"}}, status=404)]
)
def test_a_price_that_billing_no_longer_has_is_our_fault_and_uses_up_no_key(stripe, basic, team, answer):
    stripe.script[0] = answer
    stripe.script.append(ARCHIVED)

    with pytest.raises(ConnectorMisconfigured):
        upgrade(basic, team)

    assert {request.method for request in stripe.requests} == {"GET"}
    assert MrrMovement.objects.filter(kind="EXPANSION").count() == 0


def test_a_price_that_was_raised_and_announced_is_still_bought_as_it_was_offered(stripe, basic, team):
    """Billing told of the new price, the catalogue followed, and the key has gone over to it."""
    team.billing_price_id, team.unit_amount = "price_9", Decimal(119)
    team.save()
    changed = stripe_object()
    changed["items"]["data"][0]["price"] |= {"id": "price_old", "lookup_key": None, "metadata": {}}
    still = {"id": "price_old", "object": "price", "active": True, "currency": "usd", "unit_amount": 9900}
    stripe.script[0] = prices("price_9", unit_amount=11900)
    stripe.script.append(provider.Reply.of_json(still | {"recurring": {"interval": "month"}}))
    stripe.script.append(provider.Reply.of_json(changed))
    movement = change.change_plan(
        subscription=basic, price=team, offered_id="price_old", quantity=1, monthly=Decimal(99), idempotency_key="q",
        now=NOW,
    )  # fmt: skip
    assert "price_old" in stripe.requests[2].body.decode()
    assert movement is not None and movement.to_plan == team.plan

    # What billing says of it later names no plan either.
    later = make_state(external_id="sub_7", plan_code="", price_id="price_old", mrr=Decimal(99))
    assert subscribe.find_plan(state=later) == team.plan


@pytest.mark.parametrize(
    ("terms", "known"),
    [
        ({}, "price_9"),
        ({"unit_amount": 11900}, "price_team_month_usd"),
        ({"currency": "eur"}, "price_team_month_usd"),
        ({"recurring": {"interval": "year"}}, "price_team_month_usd"),
        ({"active": False}, "price_team_month_usd"),
        ({"unit_amount": "no number"}, "price_team_month_usd"),
    ],
)
def test_a_price_that_is_told_takes_a_known_id_away_only_where_it_is_ours(team, terms, known):
    told = json.loads(prices("price_9", **terms).body)["data"][0]
    event = BillingEvent(id="evt_9", kind="price.created", at=NOW, subscription=None, raw={"data": {"object": told}})
    if heard := events.price_told(event):
        catalog.hear_price(lookup_key=heard[0], asked=heard[1])

    team.refresh_from_db()
    assert team.billing_price_id == known
