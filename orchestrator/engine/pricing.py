"""Monthly price of a subscription and the figures of an upgrade offer. Decimal throughout, rounded half-even."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

_CENT = Decimal("0.01")
# An offer names a day. Wherever its reader is, it holds until that day is over: last of all west of Hawaii.
_DAY_ENDS_LAST = timedelta(hours=12)


class CurrencyMismatchError(ValueError):
    """Two prices in different currencies cannot make one quote."""


@dataclass(frozen=True, slots=True)
class Price:
    """`model` FLAT or PER_SEAT, `interval` MONTH or YEAR.

    `unit_amount` is in major units per interval: for the whole plan (FLAT) or for each seat (PER_SEAT).
    `extra_seat_amount`, likewise per interval, is what a seat beyond the included ones costs on a FLAT plan; None where
    it sells none.
    """

    model: str
    interval: str
    unit_amount: Decimal
    currency: str
    extra_seat_amount: Decimal | None = None

    def __post_init__(self) -> None:
        if self.model not in {"FLAT", "PER_SEAT"}:
            raise ValueError(f"Pricing model {self.model!r} is neither FLAT nor PER_SEAT.")
        if self.interval not in {"MONTH", "YEAR"}:
            raise ValueError(f"Billing interval {self.interval!r} is neither MONTH nor YEAR.")
        if self.unit_amount < 0 or (self.extra_seat_amount or 0) < 0:
            raise ValueError("A price cannot be negative.")


@dataclass(frozen=True, slots=True)
class QuoteFigures:
    """What an upgrade costs, in wording-ready numbers; all amounts per month in `currency`.

    `seat_monthly`: what one more seat costs on the current plan (None: it sells none).
    `seats_needed_cost`: what the seats that are missing would cost on the current plan (None: no per-seat price).
    `cheaper_than_seats`: the target plan costs less than this many extra seats (None: not comparable).
    `roi`: (benefit - extra cost) / extra cost, rounded to two decimals (None: no extra cost or no benefit known).
    """

    currency: str
    old_monthly: Decimal
    new_monthly: Decimal
    difference: Decimal
    old_quantity: int
    new_quantity: int
    seats_needed: int
    seat_monthly: Decimal | None
    seats_needed_cost: Decimal | None
    cheaper_than_seats: int | None
    saves_against_seats: Decimal | None
    roi: Decimal | None


def monthly(price: Price, quantity: int) -> Decimal:
    """MRR of `quantity` at this price: a yearly price counts a twelfth, a flat price ignores the quantity."""
    if quantity < 0:
        raise ValueError("A quantity cannot be negative.")
    return _rounded(_yearly(price, quantity) / 12)


def quote(
    *,
    current: Price,
    current_quantity: int,
    target: Price,
    target_quantity: int,
    seats_needed: int = 0,
    monthly_benefit: Decimal | None = None,
) -> QuoteFigures:
    """Figures of moving from `current` to `target`.

    `seats_needed`: seats the account lacks today. `monthly_benefit`: what the account gains each month by its own
    numbers; without it the avoided cost of the missing seats is taken.
    """
    if current.currency != target.currency:
        raise CurrencyMismatchError(f"The account pays in {current.currency}, the offer is in {target.currency}.")
    old, new = monthly(current, current_quantity), monthly(target, target_quantity)
    difference = new - old
    yearly_difference = _yearly(target, target_quantity) - _yearly(current, current_quantity)
    seat = _yearly_seat(current)
    seats_cost = None if seat is None else _rounded(seat * seats_needed / 12)
    return QuoteFigures(
        currency=target.currency,
        old_monthly=old,
        new_monthly=new,
        difference=difference,
        old_quantity=current_quantity,
        new_quantity=target_quantity,
        seats_needed=seats_needed,
        seat_monthly=None if seat is None else _rounded(seat / 12),
        seats_needed_cost=seats_cost,
        cheaper_than_seats=_cheaper_than_seats(seat, yearly_difference),
        saves_against_seats=_saving(seats_cost, difference),
        roi=_roi(monthly_benefit if monthly_benefit is not None else seats_cost, difference),
    )


def _yearly(price: Price, quantity: int) -> Decimal:
    """Exact: a year's price has no twelfths."""
    return price.unit_amount * (quantity if price.model == "PER_SEAT" else 1) * _times_a_year(price)


def _yearly_seat(price: Price) -> Decimal | None:
    amount = price.unit_amount if price.model == "PER_SEAT" else price.extra_seat_amount
    return None if amount is None else amount * _times_a_year(price)


def _times_a_year(price: Price) -> int:
    return 1 if price.interval == "YEAR" else 12


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_EVEN)


def _cheaper_than_seats(yearly_seat: Decimal | None, yearly_difference: Decimal) -> int | None:
    """Smallest number of extra seats on the current plan that costs more than the upgrade."""
    if yearly_seat is None or yearly_seat <= 0:
        return None
    return max(int(yearly_difference // yearly_seat) + 1, 1)


def _saving(seats_cost: Decimal | None, difference: Decimal) -> Decimal | None:
    if seats_cost is None or seats_cost <= difference:
        return None
    return seats_cost - difference


def _roi(benefit: Decimal | None, difference: Decimal) -> Decimal | None:
    if benefit is None or benefit == 0 or difference <= 0:
        return None
    return ((benefit - difference) / difference).quantize(_CENT, rounding=ROUND_HALF_EVEN)


def end_of(*, day: date) -> datetime:
    """When an offer is over that holds until this day."""
    return datetime.combine(day + timedelta(days=1), time(), UTC) + _DAY_ENDS_LAST
