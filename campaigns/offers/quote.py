"""Price an offer for accounts and keep the price: the message and the checkout say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from campaigns.billing import selectors as billing
from campaigns.billing.models import Plan, PlanPrice, Quota, Subscription
from campaigns.offers.models import Offer, Quote
from campaigns.operations import bulk_rows
from campaigns.usage.models import UsageDaily
from orchestrator.engine import pricing

NOT_ELIGIBLE = "not_eligible"
NO_PRICE = "no_price"
# The meter that counts people: what per-seat plans are priced by.
SEATS_METER = "seats_used"
_VALID_UNTIL = "valid_until"
# Seats added since then are compared with the upgrade.
ADDED_WITHIN = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Seats:
    """In use today and four weeks ago; None where nobody reported any."""

    now: int | None
    before: int | None

    def over(self, limit: int | None) -> int:
        return 0 if limit is None else max((self.now or 0) - limit, 0)

    @property
    def added(self) -> int:
        return 0 if self.now is None or self.before is None else max(self.now - self.before, 0)


@dataclass(frozen=True, slots=True)
class Pricing:
    """What an offer costs one account today; `figures` are JSON-able, amounts as text with two decimals."""

    subscription: Subscription
    to_price: PlanPrice
    quantity: int
    old_mrr: Decimal
    new_mrr: Decimal
    figures: Mapping[str, Any]


def make_quotes(
    *,
    offer: Offer,
    account_ids: Sequence[int],
    now: datetime,
    subscriptions: Mapping[int, Subscription] | None = None,
) -> dict[int, Quote | str]:
    """{account id: its open quote, or why there is none: not_eligible, no_price}.

    A quote that is open, valid and still true in every figure is given again instead of a second one. `subscriptions`
    are those current now, of a caller who has read them.
    """
    priced = price_accounts(offer=offer, account_ids=account_ids, now=now, subscriptions=subscriptions)
    found = {account_id: one for account_id, one in priced.items() if isinstance(one, Pricing)}
    quotes = store_quotes(offer=offer, priced=found, now=now)
    return {account_id: quotes[account_id] if account_id in quotes else str(one) for account_id, one in priced.items()}


def price_accounts(
    *,
    offer: Offer,
    account_ids: Sequence[int],
    now: datetime,
    subscriptions: Mapping[int, Subscription] | None = None,
) -> dict[int, Pricing | str]:
    """The same judgement without writing anything: for those who may end up held out."""
    if subscriptions is None:
        subscriptions = billing.current_subscriptions(account_ids=account_ids, now=now)
    seats = _newest_seats(account_ids=account_ids, day=now.date())
    before = _newest_seats(account_ids=account_ids, day=now.date() - ADDED_WITHIN)
    priced: dict[int, Pricing | str] = {}
    book, known = _PriceBook(), dict[tuple[Any, ...], Pricing | str]()
    for account_id in account_ids:
        subscription = subscriptions.get(account_id)
        used = Seats(seats.get(account_id), before.get(account_id))
        terms = (used, *_terms(subscription))
        if terms not in known:
            known[terms] = _price(offer, subscription, used, book, now)
        found = known[terms]
        if isinstance(found, Pricing) and subscription is not None:
            found = replace(found, subscription=subscription)
        priced[account_id] = found
    return priced


def foresee_figures(*, offer: Offer, account_ids: Sequence[int], now: datetime) -> dict[int, Mapping[str, Any]]:
    """The figures of the quote that each account would be given now, without making it. Whom the offer does not fit is
    absent."""
    priced = price_accounts(offer=offer, account_ids=account_ids, now=now)
    found = {account_id: one for account_id, one in priced.items() if isinstance(one, Pricing)}
    kept = _reusable(offer, found, now)
    return {pk: kept[pk].figures if pk in kept else one.figures for pk, one in found.items()}


def price_example(*, offer: Offer, price: PlanPrice, seats: Seats, now: datetime) -> Pricing | str:
    """What the offer would cost an account that has `price` today: for showing it where there is no account yet."""
    quantity = max(seats.now or 0, 1) if price.model == PlanPrice.Model.PER_SEAT else 1
    subscription = Subscription(
        plan=price.plan,
        status=Subscription.Status.ACTIVE,
        currency=price.currency,
        interval=price.interval,
        quantity=quantity,
        mrr=pricing.monthly(engine_price(price), quantity),
    )
    return _price(offer, subscription, seats, _PriceBook(), now)


@transaction.atomic
def store_quotes(*, offer: Offer, priced: Mapping[int, Pricing], now: datetime) -> dict[int, Quote]:
    if not priced:
        return {}
    quotes = _reusable(offer, priced, now)
    made = [
        bulk_rows.new_row(
            Quote,
            offer=offer,
            account_id=account_id,
            subscription=one.subscription,
            from_plan_id=one.subscription.plan_id,
            to_price=one.to_price,
            billing_price_id=one.to_price.billing_price_id,
            quantity=one.quantity,
            old_mrr=one.old_mrr,
            new_mrr=one.new_mrr,
            currency=one.to_price.currency,
            interval=one.to_price.interval,
            figures=dict(one.figures),
            made_at=now,
            valid_until=pricing.end_of(day=_last_day(offer, now)),
        )
        for account_id, one in priced.items()
        if account_id not in quotes
    ]
    return quotes | {quote.account_id: quote for quote in bulk_rows.insert_rows(rows=made)}


class _PriceBook:
    """Plans and prices looked up once per batch, not once per account."""

    def __init__(self) -> None:
        self._above: dict[int, Plan | None] = {}
        self._prices: dict[tuple[int, str, str], PlanPrice | None] = {}
        self._features: dict[int, set[str]] = {}
        self._seats: dict[int, Decimal | None] = {}

    def above(self, plan: Plan) -> Plan | None:
        if plan.pk not in self._above:
            self._above[plan.pk] = billing.next_plan_up(plan)
        return self._above[plan.pk]

    def price(self, plan: Plan, currency: str, interval: str) -> PlanPrice | None:
        key = (plan.pk, currency, interval)
        if key not in self._prices:
            self._prices[key] = billing.price_for(plan=plan, currency=currency, interval=interval)
        return self._prices[key]

    def features(self, plan: Plan) -> set[str]:
        if plan.pk not in self._features:
            self._features[plan.pk] = set(plan.features.values_list("code", flat=True))
        return self._features[plan.pk]

    def seat_limit(self, plan: Plan) -> int | None:
        if plan.pk not in self._seats:
            self._seats[plan.pk] = (
                Quota.objects.filter(plan=plan, meter=SEATS_METER).values_list("limit", flat=True).first()
            )
        limit = self._seats[plan.pk]
        return None if limit is None else int(limit)


def _price(
    offer: Offer, subscription: Subscription | None, seats: Seats, book: _PriceBook, now: datetime
) -> Pricing | str:
    if not offer.is_active or subscription is None or subscription.status == Subscription.Status.TRIALING:
        return NOT_ELIGIBLE
    target = offer.target_plan or book.above(subscription.plan)
    if target is None or target.rank <= subscription.plan.rank:
        return NOT_ELIGIBLE
    to_price = book.price(target, subscription.currency, subscription.interval)
    if to_price is None:
        return NO_PRICE
    quantity = max(subscription.quantity, seats.now or 0, 1) if to_price.model == PlanPrice.Model.PER_SEAT else 1
    new_mrr = pricing.monthly(engine_price(to_price), quantity)
    if new_mrr <= subscription.mrr:
        return NOT_ELIGIBLE
    figures = _figures(subscription, to_price, quantity, new_mrr, seats, book)
    figures["valid_until"] = _last_day(offer, now).isoformat()
    return Pricing(subscription, to_price, quantity, subscription.mrr, new_mrr, figures)


def _terms(subscription: Subscription | None) -> tuple[Any, ...]:
    """All that a price depends on: accounts on the same terms pay the same, and are priced once."""
    if subscription is None:
        return ()
    one = subscription
    return (one.status, one.plan_id, one.currency, one.interval, one.quantity, one.mrr)


def last_day(*, quote: Quote) -> date:
    """The day until which its messages say that it holds."""
    named = quote.figures.get("valid_until")
    return date.fromisoformat(named) if named else quote.valid_until.date()


def _last_day(offer: Offer, now: datetime) -> date:
    return (now + timedelta(days=offer.valid_days)).date()


def engine_price(price: PlanPrice) -> pricing.Price:
    return pricing.Price(
        model=price.model,
        interval=price.interval,
        unit_amount=price.unit_amount,
        currency=price.currency,
        extra_seat_amount=price.extra_seat_amount,
    )


def _figures(
    subscription: Subscription,
    to_price: PlanPrice,
    quantity: int,
    new_mrr: Decimal,
    seats: Seats,
    book: _PriceBook,
) -> dict[str, Any]:
    limit_from, limit_to = book.seat_limit(subscription.plan), book.seat_limit(to_price.plan)
    units = quantity if to_price.model == PlanPrice.Model.PER_SEAT else 1
    figures: dict[str, Any] = {
        "plan_from": subscription.plan.name,
        "plan_to": to_price.plan.name,
        "plan_from_code": subscription.plan.code,
        "plan_to_code": to_price.plan.code,
        "old_monthly": _money(subscription.mrr),
        "new_monthly": _money(new_mrr),
        "difference": _money(new_mrr - subscription.mrr),
        "currency": to_price.currency,
        "interval": to_price.interval,
        "charged_per_interval": _money(to_price.unit_amount * units),
        "pricing_model": to_price.model,
        "quantity": quantity,
        "seats": seats.now,
        "seat_limit_from": limit_from,
        "seat_limit_to": limit_to,
        "new_features": sorted(book.features(to_price.plan) - book.features(subscription.plan)),
    }
    figures |= _charged_now(subscription, book)
    return figures | _seat_comparison(subscription, to_price, quantity, seats, book)


def _charged_now(subscription: Subscription, book: _PriceBook) -> dict[str, Any]:
    """What today's plan costs an interval, where that is its list price: twelve rounded months are not a year."""
    current = book.price(subscription.plan, subscription.currency, subscription.interval)
    if current is None or pricing.monthly(engine_price(current), subscription.quantity) != subscription.mrr:
        return {}
    units = subscription.quantity if current.model == PlanPrice.Model.PER_SEAT else 1
    return {"charged_now": _money(current.unit_amount * units)}


def _seat_comparison(
    subscription: Subscription, to_price: PlanPrice, quantity: int, seats: Seats, book: _PriceBook
) -> dict[str, Any]:
    """The upgrade against staying and buying seats one by one, where today's plan sells them: those over its limit,
    or, while it still has room, as many as were added in the last four weeks."""
    current = book.price(subscription.plan, subscription.currency, subscription.interval)
    if current is None:
        return {}
    compared = seats.over(book.seat_limit(subscription.plan)) or seats.added
    quoted = pricing.quote(
        current=engine_price(current),
        current_quantity=subscription.quantity,
        target=engine_price(to_price),
        target_quantity=quantity,
        seats_needed=compared,
    )
    figures: dict[str, Any] = {}
    if quoted.seat_monthly:
        figures["extra_seat_price"] = _money(quoted.seat_monthly)
        figures["cheaper_than_extra_seats"] = quoted.cheaper_than_seats
    if quoted.seats_needed_cost:
        figures |= {"extra_seats": compared, "extra_seats_cost": _money(quoted.seats_needed_cost)}
    if quoted.saves_against_seats is not None:
        figures["saves_against_extra_seats"] = _money(quoted.saves_against_seats)
    return figures


def _reusable(offer: Offer, priced: Mapping[int, Pricing], now: datetime) -> dict[int, Quote]:
    rows = Quote.objects.filter(
        offer=offer, account_id__any=list(priced), state=Quote.State.OPEN, valid_until__gt=now
    ).order_by("pk")
    return {row.account_id: row for row in rows if _still_true(row, priced[row.account_id])}


def _still_true(quote: Quote, today: Pricing) -> bool:
    return (
        quote.subscription_id == today.subscription.pk
        and quote.from_plan_id == today.subscription.plan_id
        and quote.to_price_id == today.to_price.pk
        and quote.quantity == today.quantity
        and quote.old_mrr == today.old_mrr
        and quote.new_mrr == today.new_mrr
        and says_the_same(figures=quote.figures, as_of=today)
    )


def says_the_same(*, figures: Mapping[str, Any], as_of: Pricing) -> bool:
    """Whether a quote with these figures tells what one made then would: how long it holds does not count."""
    return _without_day(figures) == _without_day(as_of.figures)


def _without_day(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if name != _VALID_UNTIL}


def _newest_seats(*, account_ids: Sequence[int], day: date) -> dict[int, int]:
    """As they stood at the end of that day."""
    rows = (
        UsageDaily.objects.filter(account_id__any=account_ids, meter__code=SEATS_METER, day__lte=day)
        .order_by("account_id", "-day")
        .distinct("account_id")
        .values_list("account_id", "value")
    )
    return {account_id: int(value) for account_id, value in rows}


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
