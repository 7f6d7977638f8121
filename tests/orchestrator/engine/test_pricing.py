from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.pricing import CurrencyMismatchError, Price, monthly, quote

BASIC = Price("PER_SEAT", "MONTH", Decimal("12"), "USD")
TEAM = Price("FLAT", "MONTH", Decimal("170"), "USD")


@pytest.mark.parametrize(
    ("price", "quantity", "expected"),
    [
        (TEAM, 40, "170.00"),
        (BASIC, 10, "120.00"),
        (BASIC, 0, "0.00"),
        (Price("FLAT", "YEAR", Decimal("1000"), "EUR"), 1, "83.33"),
        (Price("PER_SEAT", "YEAR", Decimal("100"), "RON"), 7, "58.33"),
        (Price("FLAT", "YEAR", Decimal("0.30"), "USD"), 1, "0.02"),
        (Price("FLAT", "YEAR", Decimal("0.42"), "USD"), 1, "0.04"),
    ],
)
def test_monthly_prices(price, quantity, expected):
    assert monthly(price, quantity) == Decimal(expected)


def test_a_quote_says_what_changes():
    figures = quote(current=BASIC, current_quantity=10, target=TEAM, target_quantity=1, seats_needed=5)
    assert (figures.old_monthly, figures.new_monthly, figures.difference) == (
        Decimal("120.00"),
        Decimal("170.00"),
        Decimal("50.00"),
    )


def test_the_team_plan_costs_less_than_five_extra_seats():
    figures = quote(current=BASIC, current_quantity=10, target=TEAM, target_quantity=1, seats_needed=5)
    assert figures.seats_needed_cost == Decimal("60.00")
    assert figures.cheaper_than_seats == 5
    assert figures.saves_against_seats == Decimal("10.00")
    assert figures.roi == Decimal("0.20")


def test_an_upgrade_that_costs_exactly_four_seats_is_cheaper_than_five():
    figures = quote(
        current=BASIC, current_quantity=10, target=Price("FLAT", "MONTH", Decimal(168), "USD"), target_quantity=1
    )
    assert figures.cheaper_than_seats == 5


def test_a_flat_plan_has_no_price_for_seats():
    figures = quote(current=TEAM, current_quantity=1, target=BASIC, target_quantity=20, seats_needed=5)
    assert (figures.seats_needed_cost, figures.cheaper_than_seats, figures.saves_against_seats) == (None, None, None)
    assert figures.roi is None


def test_a_flat_plan_may_sell_seats_beyond_the_included_ones():
    current = Price("FLAT", "MONTH", Decimal(29), "USD", extra_seat_amount=Decimal(15))
    target = Price("FLAT", "MONTH", Decimal(99), "USD")
    figures = quote(current=current, current_quantity=1, target=target, target_quantity=1, seats_needed=5)
    assert (figures.seat_monthly, figures.seats_needed_cost) == (Decimal("15.00"), Decimal("75.00"))
    assert (figures.cheaper_than_seats, figures.saves_against_seats) == (5, Decimal("5.00"))


def test_a_yearly_seat_counts_a_twelfth():
    current = Price("FLAT", "YEAR", Decimal(290), "USD", extra_seat_amount=Decimal(100))
    target = Price("FLAT", "YEAR", Decimal(990), "USD")
    figures = quote(current=current, current_quantity=1, target=target, target_quantity=1, seats_needed=3)
    assert (figures.seat_monthly, figures.seats_needed_cost) == (Decimal("8.33"), Decimal("25.00"))
    assert figures.cheaper_than_seats == 8


def test_a_seat_cannot_cost_less_than_nothing():
    with pytest.raises(ValueError, match="negative"):
        Price("FLAT", "MONTH", Decimal(1), "USD", extra_seat_amount=Decimal(-1))


def test_roi_uses_the_accounts_own_benefit_when_known():
    figures = quote(
        current=TEAM,
        current_quantity=1,
        target=Price("FLAT", "MONTH", Decimal(220), "USD"),
        target_quantity=1,
        monthly_benefit=Decimal(200),
    )
    assert figures.roi == Decimal("3.00")


def test_two_currencies_make_no_quote():
    with pytest.raises(CurrencyMismatchError, match=r"pays in USD.*EUR"):
        quote(
            current=BASIC,
            current_quantity=1,
            target=Price("FLAT", "MONTH", Decimal(1), "EUR"),
            target_quantity=1,
        )


def test_a_negative_price_is_refused():
    with pytest.raises(ValueError, match="negative"):
        Price("FLAT", "MONTH", Decimal(-1), "USD")


@given(
    seat=st.decimals("0.01", "999", places=2),
    seats=st.integers(1, 200),
    target=st.decimals("0", "9999", places=2),
)
def test_the_wording_about_seats_is_true(seat, seats, target):
    current = Price("PER_SEAT", "MONTH", seat, "ILS")
    figures = quote(
        current=current, current_quantity=seats, target=Price("FLAT", "MONTH", target, "ILS"), target_quantity=1
    )
    assert figures.cheaper_than_seats is not None
    assert figures.difference < seat * figures.cheaper_than_seats
    assert figures.cheaper_than_seats == 1 or figures.difference >= seat * (figures.cheaper_than_seats - 1)
