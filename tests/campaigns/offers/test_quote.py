from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.offers import quote as quoting
from campaigns.offers.models import Quote
from tests.factories.offers import NOW, OfferFactory, basic_subscription, ladder
from tests.factories.profiles import AccountFactory
from tests.factories.usage import UsageDailyFactory

pytestmark = pytest.mark.django_db


def only_quote(subscription, **offer):
    made = quoting.make_quotes(offer=OfferFactory(**offer), account_ids=[subscription.account_id], now=NOW)
    return made[subscription.account_id]


def test_the_next_plan_up_is_quoted_in_the_same_currency_and_interval():
    quote = only_quote(basic_subscription())
    assert quote.to_price.lookup_key == "team_month_usd"
    assert (quote.old_mrr, quote.new_mrr) == (Decimal("29.00"), Decimal("99.00"))


def test_the_figures_say_what_the_page_and_the_mail_need():
    subscription = basic_subscription()
    UsageDailyFactory(account=subscription.account, day=NOW.date(), value=Decimal(9))
    figures = only_quote(subscription).figures
    assert figures == {
        "plan_from": "Basic",
        "plan_to": "Team",
        "plan_from_code": "basic",
        "plan_to_code": "team",
        "old_monthly": "29.00",
        "new_monthly": "99.00",
        "difference": "70.00",
        "currency": "USD",
        "interval": "MONTH",
        "charged_per_interval": "99.00",
        "charged_now": "29.00",
        "pricing_model": "FLAT",
        "quantity": 1,
        "seats": 9,
        "seat_limit_from": 10,
        "seat_limit_to": 30,
        "new_features": ["automation"],
        "valid_until": "2026-04-01",
    }


def test_the_day_that_is_named_is_whole_wherever_the_customer_is():
    quote = only_quote(basic_subscription())
    last_moment = datetime(2026, 4, 1, 23, 59, 59, tzinfo=ZoneInfo("Pacific/Midway"))
    assert last_moment < quote.valid_until
    assert quoting.last_day(quote=quote) == date(2026, 4, 1)


def test_a_plan_sold_by_the_seat_is_quoted_for_the_seats_in_use():
    subscription = basic_subscription()
    UsageDailyFactory(account=subscription.account, day=NOW.date(), value=Decimal(9))
    quote = only_quote(subscription, slug="big", target_plan=ladder()["enterprise"])
    assert (quote.quantity, quote.new_mrr) == (9, Decimal("135.00"))


def selling_seats(seat="15.00"):
    """On Basic at 29 with its 10 seats, where one more costs `seat`; Team is 99."""
    subscription = basic_subscription()
    ladder()["basic"].prices.update(extra_seat_amount=Decimal(seat))
    return subscription


def seats(subscription, *, value, back=0):
    UsageDailyFactory(account=subscription.account, day=NOW.date() - timedelta(days=back), value=Decimal(value))


def seat_figures(subscription):
    figures = only_quote(subscription).figures
    names = (
        "extra_seats", "extra_seats_cost", "extra_seat_price", "saves_against_extra_seats", "cheaper_than_extra_seats",
    )  # fmt: skip
    return tuple(figures.get(name) for name in names)


def test_the_upgrade_is_held_against_the_seats_that_were_added():
    subscription = selling_seats()
    seats(subscription, value=9)
    seats(subscription, value=4, back=28)
    assert seat_figures(subscription) == (5, "75.00", "15.00", "5.00", 5)


def test_seats_over_the_limit_are_what_is_missing():
    subscription = selling_seats()
    seats(subscription, value=12)
    seats(subscription, value=4, back=28)
    assert seat_figures(subscription) == (2, "30.00", "15.00", None, 5)


def test_without_new_seats_only_the_price_of_one_is_known():
    subscription = selling_seats()
    seats(subscription, value=9)
    assert seat_figures(subscription) == (None, None, "15.00", None, 5)


def test_a_plan_that_sells_no_seats_is_not_compared():
    subscription = basic_subscription()
    seats(subscription, value=12)
    assert seat_figures(subscription) == (None, None, None, None, None)


def test_an_account_without_a_subscription_is_not_eligible():
    account = AccountFactory()
    assert quoting.make_quotes(offer=OfferFactory(), account_ids=[account.pk], now=NOW) == {account.pk: "not_eligible"}


def test_a_trial_is_not_eligible():
    assert only_quote(basic_subscription(status="TRIALING")) == "not_eligible"


def test_an_account_on_the_offered_plan_is_not_eligible():
    assert only_quote(basic_subscription(), slug="down", target_plan=ladder()["basic"]) == "not_eligible"


def test_a_price_missing_in_the_accounts_currency_is_said():
    assert only_quote(basic_subscription(currency="RON")) == "no_price"


def test_an_open_quote_that_is_still_true_is_given_again():
    subscription = basic_subscription()
    assert only_quote(subscription) == only_quote(subscription)


def test_a_changed_price_makes_a_new_quote_and_leaves_the_old_one_open():
    subscription = basic_subscription()
    first = only_quote(subscription)
    ladder()["team"].prices.filter(currency="USD").update(unit_amount=Decimal("119.00"))
    second = only_quote(subscription)
    first.refresh_from_db()
    assert (second.new_mrr, first.state) == (Decimal("119.00"), Quote.State.OPEN)


def test_seats_that_were_added_make_a_new_quote_though_the_price_is_the_same():
    subscription = basic_subscription()
    first = only_quote(subscription)
    seats(subscription, value=12)
    second = only_quote(subscription)
    assert (first.new_mrr, first.figures["seats"]) == (second.new_mrr, None)
    assert second.figures["seats"] == 12
    assert only_quote(subscription) == second


def test_an_expired_quote_is_not_given_again():
    subscription = basic_subscription()
    first = only_quote(subscription)
    later = quoting.make_quotes(offer=first.offer, account_ids=[subscription.account_id], now=NOW + timedelta(days=32))
    assert later[subscription.account_id] != first


def test_the_number_of_queries_does_not_grow_with_the_accounts():
    offer = OfferFactory()
    few = [basic_subscription().account_id for _ in range(2)]
    many = [basic_subscription().account_id for _ in range(20)]
    with CaptureQueriesContext(connection) as for_few:
        quoting.make_quotes(offer=offer, account_ids=few, now=NOW)
    with CaptureQueriesContext(connection) as for_many:
        quoting.make_quotes(offer=offer, account_ids=many, now=NOW)
    assert len(for_few) == len(for_many)
