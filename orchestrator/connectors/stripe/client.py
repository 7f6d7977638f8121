"""Stripe as Billing: subscriptions read and changed by the official client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings

from orchestrator import clock, http
from orchestrator.connectors.contract import (
    ConnectorBusy,
    ConnectorError,
    ConnectorMisconfigured,
    ConnectorRefusal,
    ListPrice,
    SubscriptionState,
)
from orchestrator.connectors.stripe import events, mrr
from orchestrator.webhooks.errors import Unreadable

_PAGE = 100
# Discounts and coupons come as bare ids unless asked for; without them the MRR would be too high.
_EXPANDED = ("discounts.source.coupon", "items.data.discounts", "customer")

_PRICE_EXPANDED = ("tiers", "currency_options")


class StripeBilling:
    settings_read: ClassVar[tuple[str, ...]] = ("STRIPE_API_KEY", "STRIPE_API_BASE", "PROVIDER_TIMEOUT_S")
    kind = "stripe"

    def __init__(self, *, api_key: str, api_base: str, timeout_s: float = 10) -> None:
        # 41 MB come with this import: only a process that talks to Stripe pays for them.
        import stripe

        self._sdk = stripe
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base.rstrip("/")},
            http_client=stripe.RequestsClient(timeout=timeout_s),
            max_network_retries=0,
        )

    @classmethod
    def from_settings(cls) -> Self | None:
        if not settings.STRIPE_API_KEY:
            return None
        return cls(
            api_key=settings.STRIPE_API_KEY,
            api_base=settings.STRIPE_API_BASE,
            timeout_s=settings.PROVIDER_TIMEOUT_S,
        )

    def change_plan(
        self, *, subscription_id: str, item_id: str, price_id: str, quantity: int, idempotency_key: str
    ) -> SubscriptionState:
        """Naming the item replaces it: without its id Stripe would add a second one beside it."""
        changed = self._call(
            self._client.v1.subscriptions.update,
            subscription_id,
            params={
                "items": [{"id": item_id, "price": price_id, "quantity": quantity}],
                "proration_behavior": "create_prorations",
                "expand": list(_EXPANDED),
            },
            options={"idempotency_key": idempotency_key},
        )
        try:
            return events.parse_subscription(changed.to_dict(), as_of=_now_in_seconds())
        except Unreadable as error:
            # It was made: whoever took this for a no would tell the customer that nothing was charged.
            detail = f"Stripe made the change, but its answer cannot be read: {error}"
        raise ConnectorBusy(detail, code="unreadable")

    def fetch_subscription(self, *, subscription_id: str) -> SubscriptionState:
        found = self._call(self._client.v1.subscriptions.retrieve, subscription_id, params={"expand": list(_EXPANDED)})
        return self._state(found)

    def list_subscriptions(self) -> Iterator[SubscriptionState]:
        """Every subscription, ended ones too, newest first. Unreadable ones raise ConnectorRefusal."""
        params: dict[str, Any] = {
            "limit": _PAGE,
            "status": "all",
            "expand": [f"data.{name}" for name in _EXPANDED if not name.startswith("items.")],  # four levels at most
        }
        while True:
            page = self._call(self._client.v1.subscriptions.list, params=params)
            yield from (self._state(one) for one in page.data)
            if not page.has_more or not page.data:
                return
            params = {**params, "starting_after": page.data[-1].id}

    def find_price(self, *, lookup_key: str, currency: str, quantity: int) -> ListPrice | None:
        expand = [f"data.{name}" for name in _PRICE_EXPANDED]
        params = {"lookup_keys": [lookup_key], "active": True, "limit": 1, "expand": expand}
        page = self._call(self._client.v1.prices.list, params=params)
        found = next((one for one in page.data if one.lookup_key == lookup_key), None)
        return None if found is None else mrr.list_price(found.to_dict(), currency=currency, quantity=quantity)

    def read_price(self, *, price_id: str, currency: str, quantity: int) -> ListPrice | None:
        found = self._call(self._client.v1.prices.retrieve, price_id, params={"expand": list(_PRICE_EXPANDED)})
        return mrr.list_price(found.to_dict(), currency=currency, quantity=quantity) if found.active else None

    def _call(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        outcome = self._attempt(method, args, kwargs)
        # Raised outside the except block: a chained exception would carry Stripe's echo into logs.
        if isinstance(outcome, ConnectorError):
            raise outcome
        return outcome

    def _attempt(self, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return method(*args, **kwargs)
        except self._sdk.StripeError as error:
            return _explain(error)

    def _state(self, obj: Any) -> SubscriptionState:
        try:
            return events.parse_subscription(obj.to_dict(), as_of=_now_in_seconds())
        except Unreadable as error:
            raise ConnectorRefusal(f"Stripe's subscription cannot be read: {error}", code="unreadable") from None


def _now_in_seconds() -> datetime:
    """Business time as Stripe stamps events: whole seconds. An event of the same second must not look older."""
    return clock.utcnow().replace(microsecond=0)


def _explain(error: Any) -> ConnectorError:
    """409 is Stripe's own lock or the same key in flight: again is safe. So is every time-out, by the key."""
    status = error.http_status
    code = str(error.code or status or "no_answer")
    if status == 429:
        return ConnectorBusy("Stripe asks us to slow down (HTTP 429).", code=code, retry_after_s=_wait(error.headers))
    if status is None or status == 409 or status >= 500 or status < 400:
        return ConnectorBusy(f"Stripe is not available ({type(error).__name__}, HTTP {status}).", code=code)
    if status in {401, 403}:
        why = "the API key is wrong or lacks a permission: check STRIPE_API_KEY"
        return ConnectorMisconfigured(f"Stripe refused (HTTP {status}): {why}", code=code)
    why = http.redact(str(error.user_message or "no reason given"))
    kind = ConnectorMisconfigured if _is_ours(error, why) else ConnectorRefusal
    return kind(f"Stripe refused (HTTP {status}): {why}", code=code)


def _is_ours(error: Any, why: str) -> bool:
    """Whether it is our catalogue or our key, and nothing that the customer has or did: the price that we name is
    missing, archived or does not fit; the key is of the other mode; an earlier request under the idempotency key was
    another (Stripe forgets it after a day)."""
    is_of_the_price = str(getattr(error, "param", None) or "").endswith("[price]")
    is_of_the_key = "idempotency" in f"{type(error).__name__} {error.code}".lower()
    return is_of_the_price or is_of_the_key or "mode key was used" in why


def _wait(headers: Any) -> float | None:
    try:
        return max(float((headers or {}).get("Retry-After", "")), 0.0)
    except (TypeError, ValueError):
        return None
