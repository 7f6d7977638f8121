"""Monthly recurring revenue of a Stripe subscription, from its items and discounts.

Source of the rules: Stripe's own definition of MRR. Trials and unpaid states count zero,
metered prices and taxes are left out, `once` discounts are no recurring ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

from orchestrator.connectors.contract import ListPrice

CENT = Decimal("0.01")
COUNTED_STATUSES = frozenset({"active", "past_due"})

# Stripe's list; ISK, HUF, TWD and UGX are charged in hundredths there although they have none.
_NO_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_PER_MONTH = {
    "day": Decimal(365) / 12,
    "week": Decimal(365) / 7 / 12,
    "month": Decimal(1),
    "year": Decimal(1) / 12,
}
_INTERVALS = {("month", 1): "MONTH", ("month", 12): "YEAR", ("year", 1): "YEAR"}

type _Object = Mapping[str, Any]


def monthly_revenue(subscription: _Object, *, at: int) -> Decimal:
    """In the subscription's own currency, two decimals, half to even. `at` (unix seconds) ends repeating discounts."""
    if subscription.get("status") not in COUNTED_STATUSES or subscription.get("pause_collection"):
        return Decimal("0.00")
    currency = str(subscription.get("currency", "")).upper()
    total = Decimal(0)
    months = Decimal(1)
    for item in items_of(subscription):
        amount = _item_amount(item, currency)
        if amount is None:
            continue
        months = per_month(_recurring(item))
        total += _discounted(amount, item, currency, at, months)
    total = _discounted(total, subscription, currency, at, months)
    return total.quantize(CENT, rounding=ROUND_HALF_EVEN)


def list_price(price: _Object, *, currency: str, quantity: int) -> ListPrice:
    """As `currency` is charged, where the price names it beside its own."""
    option = (price.get("currency_options") or {}).get(currency.lower())
    own = {**price, "currency": currency, **option} if option else price
    in_currency, recurring = str(own.get("currency", "")).upper(), own.get("recurring") or {}
    monthly = _item_amount({"price": own, "quantity": quantity}, in_currency)
    return ListPrice(
        id=str(price["id"]),
        currency=in_currency,
        monthly=None if monthly is None else monthly.quantize(CENT, rounding=ROUND_HALF_EVEN),
        interval=_INTERVALS.get((str(recurring.get("interval")), recurring.get("interval_count") or 1), ""),
    )


def items_of(subscription: _Object) -> Sequence[_Object]:
    return (subscription.get("items") or {}).get("data") or ()


def has_unread_discounts(subscription: _Object) -> bool:
    """True when discounts came as bare ids (webhooks): only a fetch tells their size, so the MRR is too high."""
    holders = [subscription, *items_of(subscription)]
    return any(not _coupon(entry) for holder in holders for entry in holder.get("discounts") or ())


def per_month(recurring: _Object) -> Decimal:
    """How often a price recurs within an average month."""
    count = recurring.get("interval_count") or 1
    return _PER_MONTH.get(str(recurring.get("interval")), Decimal(0)) / Decimal(count)


def _recurring(item: _Object) -> _Object:
    return (item.get("price") or {}).get("recurring") or {}


def _item_amount(item: _Object, currency: str) -> Decimal | None:
    """Monthly, before discounts; None where the price is not a fixed one."""
    price: _Object = item.get("price") or {}
    recurring = _recurring(item)
    if not recurring or recurring.get("usage_type") == "metered":
        return None
    quantity = Decimal(item["quantity"] if item.get("quantity") is not None else 1)
    minor = _charge(price, _transformed(quantity, price.get("transform_quantity")))
    return None if minor is None else _major(minor, currency) * per_month(recurring)


def _transformed(quantity: Decimal, rule: _Object | None) -> Decimal:
    if not rule:
        return quantity
    rounding = ROUND_CEILING if rule.get("round") == "up" else ROUND_FLOOR
    return (quantity / Decimal(rule["divide_by"])).to_integral_value(rounding=rounding)


def _charge(price: _Object, quantity: Decimal) -> Decimal | None:
    """Minor units per interval."""
    if price.get("billing_scheme") == "tiered":
        tiers: Sequence[_Object] = price.get("tiers") or ()
        if not tiers:
            return None
        return _volume(tiers, quantity) if price.get("tiers_mode") == "volume" else _graduated(tiers, quantity)
    amount = _amount(price, "unit_amount")
    return None if amount is None else amount * quantity


def _volume(tiers: Sequence[_Object], quantity: Decimal) -> Decimal:
    tier = next((one for one in tiers if one.get("up_to") is None or quantity <= one["up_to"]), tiers[-1])
    return (_amount(tier, "unit_amount") or Decimal(0)) * quantity + (_amount(tier, "flat_amount") or Decimal(0))


def _graduated(tiers: Sequence[_Object], quantity: Decimal) -> Decimal:
    total, below = Decimal(0), Decimal(0)
    for tier in tiers:
        top = quantity if tier.get("up_to") is None else min(quantity, Decimal(tier["up_to"]))
        if top > below or below == 0:
            total += (_amount(tier, "unit_amount") or Decimal(0)) * (top - below)
            total += _amount(tier, "flat_amount") or Decimal(0)
        below = max(below, top)
        if below >= quantity:
            break
    return total


def _discounted(amount: Decimal, holder: _Object, currency: str, at: int, months: Decimal) -> Decimal:
    for coupon in _lasting_coupons(holder, at):
        if coupon.get("percent_off") is not None:
            amount *= 1 - Decimal(str(coupon["percent_off"])) / 100
        elif coupon.get("amount_off") is not None and str(coupon.get("currency", "")).upper() == currency:
            amount -= _major(Decimal(coupon["amount_off"]), currency) * months
    return max(amount, Decimal(0))


def _lasting_coupons(holder: _Object, at: int) -> Iterator[_Object]:
    entries = holder.get("discounts") or ([holder["discount"]] if holder.get("discount") else [])
    for entry in entries:
        coupon = _coupon(entry)
        if not coupon or coupon.get("duration") not in {"forever", "repeating"}:
            continue
        if entry.get("end") is None or entry["end"] > at:
            yield coupon


def _coupon(entry: Any) -> _Object:
    """API versions of 2025-09 and later keep the coupon under `source`; a bare id is not expanded."""
    if not isinstance(entry, Mapping):
        return {}
    coupon = entry.get("coupon") or (entry.get("source") or {}).get("coupon")
    return coupon if isinstance(coupon, Mapping) else {}


def _amount(holder: _Object, name: str) -> Decimal | None:
    exact = holder.get(f"{name}_decimal")
    value = exact if exact is not None else holder.get(name)
    return None if value is None else Decimal(str(value))


def _major(minor: Decimal, currency: str) -> Decimal:
    exponent = 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    return minor.scaleb(-exponent)
