"""The billing service: customers, subscriptions, prices, products and events, kept in memory."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from orchestrator import clock
from orchestrator.sandbox.billing_objects import epoch, invoice_object, item_object, plan_object
from orchestrator.sandbox.catalogue import CENT
from orchestrator.sandbox.stripe_form import FormError, parse_form
from orchestrator.sandbox.stripe_webhooks import BillingEvents
from orchestrator.sandbox.wire import Answer, Request

MAX_LIMIT = 100
COUNTED = frozenset(("active", "past_due"))
Changed = Callable[[str, Decimal, str, datetime, str], None]


class BillingRefusal(Exception):
    """A definite no in the vendor's words."""

    def __init__(self, message: str, *, status: int = 400, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


class Stripe:
    """`changed(account, native ΔMRR, currency, at, by)` is told of every change of a subscription."""

    def __init__(
        self, *, objects: Mapping[str, Sequence[Mapping[str, Any]]], events: BillingEvents, changed: Changed
    ) -> None:
        self._tables: dict[str, dict[str, dict[str, Any]]] = {
            name: {row["id"]: copy.deepcopy(dict(row)) for row in rows} for name, rows in objects.items()
        }
        self._tables.setdefault("invoices", {})
        self._events = events
        self._changed = changed
        self._answers: dict[str, tuple[tuple[str, bytes], Answer]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Answer:
        if not request.bearer:
            return _refused(BillingRefusal("You did not provide an API key.", status=401))
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        with self._lock:
            if key is None:
                return self._answer(request)
            return self._once(key, request)

    def rate_limited(self, *, retry_after_s: int) -> Answer:
        body = {"error": {"type": "rate_limit_error", "code": "rate_limit", "message": "Too many requests."}}
        return Answer(429, body, {"Retry-After": str(retry_after_s), "Stripe-Should-Retry": "true"})

    def broken(self) -> Answer:
        return Answer(500, {"error": {"type": "api_error", "message": "Something went wrong on our end."}})

    def subscription_of(self, account_id: str) -> dict[str, Any] | None:
        """A copy of the account's subscription, or None."""
        with self._lock:
            found = self._tables["subscriptions"].get(f"sub_{account_id}")
            return copy.deepcopy(found) if found else None

    def upgrade(self, account_id: str, *, price_id: str, quantity: int) -> None:
        """The customer does it in the billing portal. Raises BillingRefusal."""
        with self._lock:
            subscription = self._row("subscriptions", f"sub_{account_id}")
            item = {"id": subscription["items"]["data"][0]["id"], "price": price_id, "quantity": str(quantity)}
            self._modify(subscription, {"items": [item]}, by="customer", key=None)

    def announce(self) -> int:
        """Tell the product of every price and subscription, as after connecting a new webhook.

        Customers are told only where the subscription does not name the account itself.
        """
        now = clock.utcnow()
        told: list[tuple[str, dict[str, Any]]] = [("price.created", each) for each in self._tables["prices"].values()]
        with self._lock:
            for row in self._tables["subscriptions"].values():
                if not row["metadata"]:
                    told.append(("customer.created", self._row("customers", row["customer"])))
                told.append(("customer.subscription.created", row))
            for kind, row in told:
                self._events.happen(kind, copy.deepcopy(row), at=now)
        return len(told)

    def _once(self, key: str, request: Request) -> Answer:
        fingerprint = (request.path, request.body)
        known = self._answers.get(key)
        if known is None:
            answer = self._answer(request)
            if answer.status < 500:
                self._answers[key] = (fingerprint, answer)
            return answer
        if known[0] != fingerprint:
            message = "Keys for idempotent requests can only be used with the parameters they were first used with."
            return Answer(400, {"error": {"type": "idempotency_error", "message": message}})
        return Answer(known[1].status, known[1].body, {**known[1].headers, "Idempotent-Replayed": "true"})

    def _answer(self, request: Request) -> Answer:
        try:
            return Answer(200, self._route(request), {"Request-Id": f"req_{next(self._numbers):010d}"})
        except BillingRefusal as refusal:
            return _refused(refusal)
        except FormError as error:
            return _refused(BillingRefusal(str(error)))

    def _route(self, request: Request) -> dict[str, Any]:
        parts = request.path.strip("/").split("/")
        if len(parts) not in {2, 3} or parts[0] != "v1":
            raise BillingRefusal(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)
        name = parts[1]
        if name == "events" and request.method == "GET":
            return self._list_events(request) if len(parts) == 2 else self._event(parts[2])
        if name not in self._tables:
            raise BillingRefusal(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)
        if len(parts) == 2 and request.method == "GET":
            return self._list(name, request)
        if len(parts) == 3:
            row = self._row(name, parts[2])
            if request.method == "GET":
                return self._expanded(row, request.query)
            if name == "subscriptions" and request.method == "POST":
                key = request.headers.get("idempotency-key")
                form = parse_form(request.body)
                self._modify(row, form, by="product", key=key)
                return self._expanded(row, form)
            if name == "subscriptions" and request.method == "DELETE":
                return self._cancel(row)
            if name == "customers" and request.method == "POST":
                return self._update_customer(row, parse_form(request.body))
        raise BillingRefusal(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    def _row(self, name: str, identifier: str) -> dict[str, Any]:
        row = self._tables[name].get(identifier)
        if row is None:
            message = f"No such {name.removesuffix('s')}: '{identifier}'"
            raise BillingRefusal(message, status=404, code="resource_missing", param="id")
        return row

    def _list(self, name: str, request: Request) -> dict[str, Any]:
        rows = list(self._tables[name].values())
        for field in ("customer", "status", "active", "product", "currency"):
            wanted = request.parameter(field)
            if wanted and wanted != "all":
                rows = [row for row in rows if str(row.get(field)).lower() == wanted.lower()]
        keys = [value for field, values in request.query.items() if field.startswith("lookup_keys") for value in values]
        if keys:
            rows = [row for row in rows if row.get("lookup_key") in keys]
        page = _page(rows, request, url=f"/v1/{name}")
        return page | {"data": [self._expanded(row, request.query) for row in page["data"]]}

    def _expanded(self, row: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A copy; with `expand[]=customer` the customer stands in it whole. Other expansions have nothing to show."""
        wanted = [each for name, values in parameters.items() if name.startswith("expand") for each in values]
        shown = copy.deepcopy(row)
        if row["object"] == "subscription" and {"customer", "data.customer"} & set(wanted):
            shown["customer"] = copy.deepcopy(self._tables["customers"][row["customer"]])
        return shown

    def _list_events(self, request: Request) -> dict[str, Any]:
        rows = list(reversed(self._events.kept))
        since, kind = request.parameter("created[gte]"), request.parameter("type")
        if since.isdigit():
            rows = [row for row in rows if row["created"] >= int(since)]
        if kind:
            rows = [row for row in rows if row["type"] == kind]
        return _page(rows, request, url="/v1/events")

    def _event(self, identifier: str) -> dict[str, Any]:
        for event in self._events.kept:
            if event["id"] == identifier:
                return event
        raise BillingRefusal(f"No such event: '{identifier}'", status=404, code="resource_missing", param="id")

    def _modify(self, row: dict[str, Any], form: Mapping[str, Any], *, by: str, key: str | None) -> None:
        if row["status"] == "canceled":
            raise BillingRefusal("A canceled subscription can only update its cancellation_details.")
        before, previous = mrr_of(row), {}
        now = clock.utcnow()
        if form.get("items"):
            fresh = [self._checked_item(row, number, each) for number, each in enumerate(form["items"])]
            previous["items"] = copy.deepcopy(row["items"])
            self._put_items(row, fresh, now=now)
        if "cancel_at_period_end" in form:
            previous["cancel_at_period_end"] = row["cancel_at_period_end"]
            row["cancel_at_period_end"] = form["cancel_at_period_end"] == "true"
        if isinstance(form.get("metadata"), dict):
            previous["metadata"] = dict(row["metadata"])
            row["metadata"] = {**row["metadata"], **form["metadata"]}
        delta = mrr_of(row) - before
        self._tell(row, previous, delta=delta, now=now, key=key, lag_s=0.3 if by == "product" else 0.0)
        account = self._row("customers", row["customer"])["metadata"].get("account_external_id", "")
        self._changed(account, delta, row["currency"].upper(), now, by)

    def _checked_item(self, row: dict[str, Any], number: int, form: Mapping[str, Any]) -> dict[str, Any]:
        """What one entry of items[] asks for; nothing is changed before all of them are good."""
        path = f"items[{number}]"
        current = None
        if "id" in form:
            current = next((item for item in row["items"]["data"] if item["id"] == form["id"]), None)
            if current is None:
                message = f"No such subscription_item: '{form['id']}'"
                raise BillingRefusal(message, code="resource_missing", param=f"{path}[id]")
        price_id = form.get("price", current["price"]["id"] if current else "")
        price = self._tables["prices"].get(price_id)
        if price is None:
            raise BillingRefusal(f"No such price: '{price_id}'", code="resource_missing", param=f"{path}[price]")
        if price["currency"] != row["currency"]:
            raise BillingRefusal("The price's currency differs from the subscription's.", param=f"{path}[price]")
        quantity = form.get("quantity", str(current["quantity"] if current else 1))
        if not quantity.isdigit():
            raise BillingRefusal(
                f"Invalid integer: {quantity}", code="parameter_invalid_integer", param=f"{path}[quantity]"
            )
        return {"current": current, "price": price, "quantity": int(quantity)}

    def _put_items(self, row: dict[str, Any], fresh: list[dict[str, Any]], *, now: datetime) -> None:
        first = row["items"]["data"][0]
        for each in fresh:
            if each["current"] is not None:
                item = each["current"]
                item["price"], item["quantity"] = each["price"], each["quantity"]
                item["plan"] = plan_object(each["price"])
                continue
            row["items"]["data"].append(
                item_object(
                    item_id=f"si_{next(self._numbers):010d}",
                    subscription=row["id"],
                    price=each["price"],
                    quantity=each["quantity"],
                    period=(first["current_period_start"], first["current_period_end"]),
                    created=epoch(now),
                )
            )
        row["items"]["total_count"] = len(row["items"]["data"])

    def _tell(
        self,
        row: dict[str, Any],
        previous: dict[str, Any],
        *,
        delta: Decimal,
        now: datetime,
        key: str | None,
        lag_s: float,
    ) -> None:
        """A change by API call is told a moment after its answer, one in the portal at once."""
        if delta > 0:
            invoice = invoice_object(
                invoice_id=f"in_{next(self._numbers):010d}",
                subscription=row,
                amount=int(delta * 100),
                reason="subscription_update",
                created=epoch(now),
            )
            self._tables["invoices"][invoice["id"]] = invoice
            row["latest_invoice"] = invoice["id"]
            self._events.happen("invoice.paid", copy.deepcopy(invoice), at=now, idempotency_key=key, after_s=2 * lag_s)
        self._events.happen(
            "customer.subscription.updated",
            copy.deepcopy(row),
            at=now,
            previous=previous,
            idempotency_key=key,
            after_s=lag_s,
        )

    def _cancel(self, row: dict[str, Any]) -> dict[str, Any]:
        before, now = mrr_of(row), clock.utcnow()
        row["status"] = "canceled"
        row["canceled_at"] = row["ended_at"] = epoch(now)
        self._events.happen("customer.subscription.deleted", copy.deepcopy(row), at=now, after_s=0.3)
        account = self._row("customers", row["customer"])["metadata"].get("account_external_id", "")
        self._changed(account, -before, row["currency"].upper(), now, "product")
        return copy.deepcopy(row)

    def _update_customer(self, row: dict[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(form.get("metadata"), dict):
            row["metadata"] = {**row["metadata"], **form["metadata"]}
        if isinstance(form.get("name"), str):
            row["name"] = form["name"]
        self._events.happen("customer.updated", copy.deepcopy(row), at=clock.utcnow(), after_s=0.3)
        return copy.deepcopy(row)


def mrr_of(subscription: Mapping[str, Any]) -> Decimal:
    """Per month in the subscription's own currency, to the cent; trials and dead ones count nothing."""
    if subscription["status"] not in COUNTED:
        return Decimal(0)
    total = Decimal(0)
    for item in subscription["items"]["data"]:
        recurring = item["price"]["recurring"]
        months = recurring["interval_count"] * (12 if recurring["interval"] == "year" else 1)
        total += Decimal(item["price"]["unit_amount_decimal"]) * item["quantity"] / 100 / months
    return total.quantize(CENT, rounding=ROUND_HALF_EVEN)


def _page(rows: list[dict[str, Any]], request: Request, *, url: str) -> dict[str, Any]:
    limit = request.parameter("limit", "10")
    if not limit.isdigit() or not 1 <= int(limit) <= MAX_LIMIT:
        raise BillingRefusal("This value must be between 1 and 100.", param="limit")
    after = request.parameter("starting_after")
    if after:
        ids = [row["id"] for row in rows]
        if after not in ids:
            raise BillingRefusal(f"No such object: '{after}'", code="resource_missing", param="starting_after")
        rows = rows[ids.index(after) + 1 :]
    return {"object": "list", "url": url, "has_more": len(rows) > int(limit), "data": rows[: int(limit)]}


def _refused(refusal: BillingRefusal) -> Answer:
    error = {
        "type": "invalid_request_error",
        "message": str(refusal),
        "code": refusal.code,
        "param": refusal.param,
    }
    return Answer(refusal.status, {"error": {name: value for name, value in error.items() if value is not None}})
