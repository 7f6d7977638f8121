"""Plans, features, prices and quotas as code: `apply_catalog` reads a document, `export_catalog` writes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction

from campaigns.billing.models import Interval, Plan, PlanFeature, PlanPrice, Quota, Subscription
from campaigns.profiles import changes
from orchestrator.connectors.contract import ListPrice
from orchestrator.engine import pricing


class CatalogError(ValueError):
    """A document that cannot be applied: nothing was changed. `path` says where, as in plans[0].prices[2]."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


@dataclass(slots=True)
class Applied:
    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def count(self, *, is_new: bool, is_changed: bool) -> None:
        self.created += is_new
        self.updated += is_changed and not is_new
        self.unchanged += not is_changed and not is_new

    def as_json(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Price:
    currency: str
    interval: str
    model: str
    unit_amount: Decimal
    lookup_key: str
    extra_seat_amount: Decimal | None


# What may change of a price: plan, currency and interval say which one it is.
_TERMS = ("model", "unit_amount", "lookup_key", "extra_seat_amount")


@dataclass(frozen=True, slots=True)
class _Plan:
    code: str
    name: str
    rank: int
    features: frozenset[str]
    quotas: Mapping[str, Decimal | None]
    prices: tuple[_Price, ...]


def apply_catalog(*, document: Mapping[str, Any], now: datetime) -> Applied:
    """Make the plans be as `document["plans"]` says; the same document twice changes nothing.

    Features and quotas a plan no longer names go; plans and prices stay, since subscriptions and quotes name
    them. Counts plans. Raises CatalogError.
    """
    plans = [_read_plan(raw, f"plans[{index}]") for index, raw in enumerate(_list(document.get("plans", []), "plans"))]
    applied = Applied()
    changed: list[int] = []
    with transaction.atomic():
        for index, spec in enumerate(plans):
            try:
                with transaction.atomic():
                    _store_plan(spec, applied, changed)
            except IntegrityError:
                raise CatalogError(f"plans[{index}].prices", "A lookup_key is used twice.") from None
        affected = Subscription.objects.running().filter(plan_id__in=changed)
        changes.note_accounts(
            account_ids=list(affected.values_list("account_id", flat=True)), kind=changes.PLAN_CHANGED, now=now
        )
    return applied


def export_catalog() -> dict[str, Any]:
    """The document that `apply_catalog` would read to make the plans as they are."""
    plans = Plan.objects.prefetch_related("features", "quotas", "prices").order_by("rank", "code")
    return {"plans": [_export_plan(plan) for plan in plans]}


def learn_price(*, lookup_key: str, billing_price_id: str) -> bool:
    """Remember billing's own id of a price of ours. True: it was news."""
    known = PlanPrice.objects.filter(lookup_key=lookup_key).exclude(billing_price_id=billing_price_id)
    return bool(lookup_key and billing_price_id) and known.update(billing_price_id=billing_price_id) > 0


def hear_price(*, lookup_key: str, asked: ListPrice) -> bool:
    """Billing tells of a price with this key, and what it asks for one unit. One that costs another amount than ours
    takes no known id away: until the catalogue follows, the price of before is offered. True: its id was news."""
    price = PlanPrice.objects.filter(lookup_key=lookup_key).first() if lookup_key else None
    if price is None or (price.billing_price_id and not _is_ours(price, asked)):
        return False
    return learn_price(lookup_key=lookup_key, billing_price_id=asked.id)


def _is_ours(price: PlanPrice, asked: ListPrice) -> bool:
    """Where an event does not tell the amount (it leaves tiers out), it is taken to be."""
    terms = pricing.Price(price.model, price.interval, price.unit_amount, price.currency)
    is_the_amount = asked.monthly is None or asked.monthly == pricing.monthly(terms, 1)
    return is_the_amount and (asked.currency, asked.interval) == (price.currency, price.interval)


def _store_plan(spec: _Plan, applied: Applied, changed: list[int]) -> None:
    plan, is_new = Plan.objects.get_or_create(code=spec.code, defaults={"name": spec.name, "rank": spec.rank})
    is_changed = (plan.name, plan.rank) != (spec.name, spec.rank)
    if is_changed:
        plan.name, plan.rank = spec.name, spec.rank
        plan.save(update_fields=["name", "rank"])
    is_changed |= _store_features(plan, spec)
    is_changed |= _store_quotas(plan, spec)
    is_changed |= _store_prices(plan, spec)
    applied.count(is_new=is_new, is_changed=is_changed)
    if is_changed:
        changed.append(plan.pk)


def _store_features(plan: Plan, spec: _Plan) -> bool:
    known = set(plan.features.values_list("code", flat=True))
    plan.features.filter(code__in=known - spec.features).delete()
    PlanFeature.objects.bulk_create(PlanFeature(plan=plan, code=code) for code in sorted(spec.features - known))
    return known != spec.features


def _store_quotas(plan: Plan, spec: _Plan) -> bool:
    known = dict(plan.quotas.values_list("meter", "limit"))
    if known == spec.quotas:
        return False
    plan.quotas.exclude(meter__in=spec.quotas).delete()
    Quota.objects.bulk_create(
        [Quota(plan=plan, meter=meter, limit=limit) for meter, limit in spec.quotas.items()],
        update_conflicts=True,
        unique_fields=["plan", "meter"],
        update_fields=["limit"],
    )
    return True


def _store_prices(plan: Plan, spec: _Plan) -> bool:
    known = {(price.currency, price.interval): price for price in plan.prices.all()}
    is_changed = False
    for wanted in spec.prices:
        price = known.get((wanted.currency, wanted.interval)) or PlanPrice(
            plan=plan, currency=wanted.currency, interval=wanted.interval
        )
        if all(getattr(price, name) == getattr(wanted, name) for name in _TERMS):
            continue
        if price.lookup_key != wanted.lookup_key:
            price.billing_price_id = ""
        for name in _TERMS:
            setattr(price, name, getattr(wanted, name))
        price.save()
        is_changed = True
    return is_changed


def _export_plan(plan: Plan) -> dict[str, Any]:
    return {
        "code": plan.code,
        "name": plan.name,
        "rank": plan.rank,
        "features": sorted(feature.code for feature in plan.features.all()),
        "quotas": {q.meter: _plain(q.limit) for q in sorted(plan.quotas.all(), key=lambda quota: quota.meter)},
        "prices": [
            {
                "currency": price.currency,
                "interval": price.interval,
                "model": price.model,
                "unit_amount": _plain(price.unit_amount),
                "lookup_key": price.lookup_key,
                **_extra_seat(price),
            }
            for price in sorted(plan.prices.all(), key=lambda price: price.lookup_key)
        ],
    }


def _extra_seat(price: PlanPrice) -> dict[str, int | str | None]:
    return {} if price.extra_seat_amount is None else {"extra_seat_amount": _plain(price.extra_seat_amount)}


def _plain(value: Decimal | None) -> int | str | None:
    """Whole numbers as JSON numbers, others as text: a float would round money."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else str(value.normalize())


def _read_plan(raw: Any, path: str) -> _Plan:
    plan = _object(raw, path)
    prices = tuple(
        _read_price(price, f"{path}.prices[{index}]")
        for index, price in enumerate(_list(plan.get("prices", []), f"{path}.prices"))
    )
    if len({(price.currency, price.interval) for price in prices}) < len(prices):
        raise CatalogError(f"{path}.prices", "A plan has one price per currency and interval.")
    rank = plan.get("rank")
    if isinstance(rank, bool) or not isinstance(rank, int):
        raise CatalogError(f"{path}.rank", "A whole number is needed: higher is more.")
    features = _list(plan.get("features", []), f"{path}.features")
    return _Plan(
        code=_text(plan, "code", path),
        name=_text(plan, "name", path),
        rank=rank,
        features=frozenset(_text({"feature": feature}, "feature", f"{path}.features") for feature in features),
        quotas={
            meter: None if limit is None else _number(limit, f"{path}.quotas.{meter}")
            for meter, limit in _object(plan.get("quotas", {}), f"{path}.quotas").items()
        },
        prices=prices,
    )


def _read_price(raw: Any, path: str) -> _Price:
    price = _object(raw, path)
    extra = price.get("extra_seat_amount")
    return _Price(
        currency=_choice(_text(price, "currency", path).upper(), None, f"{path}.currency"),
        interval=_choice(_text(price, "interval", path).upper(), Interval.values, f"{path}.interval"),
        model=_choice(_text(price, "model", path).upper(), PlanPrice.Model.values, f"{path}.model"),
        unit_amount=_number(price.get("unit_amount"), f"{path}.unit_amount"),
        lookup_key=_text(price, "lookup_key", path),
        extra_seat_amount=None if extra is None else _number(extra, f"{path}.extra_seat_amount"),
    )


def _choice(word: str, allowed: list[str] | None, path: str) -> str:
    if allowed is None and not (len(word) == 3 and word.isalpha()):
        raise CatalogError(path, "A currency is three letters, as in USD.")
    if allowed is not None and word not in allowed:
        raise CatalogError(path, f"One of {', '.join(allowed)} is needed.")
    return word


def _number(value: Any, path: str) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number < 0:
        raise CatalogError(path, "A number that is not negative is needed.")
    return number


def _text(holder: Mapping[str, Any], name: str, path: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value or len(value) > 120:
        raise CatalogError(f"{path}.{name}", "A text of 1 to 120 characters is needed.")
    return value


def _object(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise CatalogError(path, "An object is needed.")
    return value


def _list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise CatalogError(path, "A list is needed.")
    return value
