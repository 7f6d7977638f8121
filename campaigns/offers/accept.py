"""Say yes to a quote: one upgrade, whatever happens in between.

ACCEPTING is committed before billing is called, and the call carries a key made from the quote. So of
any number of clicks one calls, and a crash after the call is finished by the reconciler with the same
key, which billing answers without charging again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from campaigns.billing import change
from campaigns.billing.models import PlanPrice
from campaigns.offers import quote as quoting
from campaigns.offers.models import Quote
from campaigns.profiles.models import Membership
from orchestrator.connectors.contract import ConnectorBusy, ConnectorRefusal
from orchestrator.engine import pricing

log = logging.getLogger(__name__)

# Longer than a call to billing may take; a younger ACCEPTING is somebody's call under way.
FINISH_AFTER = timedelta(seconds=45)

UPGRADED = "upgraded"
ALREADY_DONE = "already_done"
DECLINED = "declined"
CALL_ASKED = "call_asked"
EXPIRED = "expired"
PENDING = "pending"
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """`name` is upgraded, already_done, declined, call_asked or expired; pending when billing did not
    answer (the reconciler goes on), failed when it refused for good: `detail` then says why, in its words."""

    name: str
    detail: str = ""


class QuantityError(ValueError):
    """The number of seats asked for is not one this quote can be accepted with."""


def accept_quote(
    *, quote_uuid: UUID, contact_id: int, quantity: int | None = None, now: datetime, wall_now: datetime
) -> Result:
    """Upgrade as quoted. Call outside a transaction: the intent is committed before billing is asked.

    `quantity` (per-seat plans only) may raise the seats above those quoted. Raises Quote.DoesNotExist, QuantityError.
    """
    quote = _read(quote_uuid)
    if not _may_accept(quote, contact_id):
        return Result(EXPIRED)
    if quote.state in (Quote.State.OPEN, Quote.State.CALL_ASKED) and quote.subscription.plan_id != quote.from_plan_id:
        return Result(ALREADY_DONE if quote.subscription.plan_id == quote.to_price.plan_id else EXPIRED)
    changes = _with_quantity(quote, quantity)
    if not _commit_intent(quote, contact_id, changes, now, wall_now):
        return _why_not(quote_uuid, now)
    return _charge(_read(quote_uuid), now)


def finish_accepting(*, now: datetime, wall_now: datetime, limit: int = 100) -> int:
    """Go on with acceptances whose caller died or whose billing call got no answer. Returns how many ended."""
    waiting = Quote.objects.filter(state=Quote.State.ACCEPTING, wall_accepting_at__lt=wall_now - FINISH_AFTER)
    ended = 0
    for uuid, since in list(waiting.order_by("wall_accepting_at").values_list("uuid", "wall_accepting_at")[:limit]):
        # Taking it is this conditional update: of two reconcilers one goes on.
        taken = Quote.objects.filter(uuid=uuid, state=Quote.State.ACCEPTING, wall_accepting_at=since).update(
            wall_accepting_at=wall_now
        )
        if taken and _charge(_read(uuid), now).name != PENDING:
            ended += 1
    return ended


def _commit_intent(
    quote: Quote, contact_id: int, changes: Mapping[str, Any], now: datetime, wall_now: datetime
) -> bool:
    with transaction.atomic(durable=True):
        taken = Quote.objects.filter(
            pk=quote.pk, state__in=[Quote.State.OPEN, Quote.State.CALL_ASKED], valid_until__gt=now
        ).update(
            state=Quote.State.ACCEPTING,
            answered_at=now,
            answered_by_id=contact_id,
            wall_accepting_at=wall_now,
            **changes,
        )
    return bool(taken)


def _charge(quote: Quote, now: datetime) -> Result:
    """Ask billing, and write what it said. Safe to repeat for the same quote."""
    if quote.subscription.plan_id not in (quote.from_plan_id, quote.to_price.plan_id):
        return _fail(quote, "The subscription changed since this price was made.")
    try:
        change.change_plan(
            subscription=quote.subscription,
            price=quote.to_price,
            quantity=quote.quantity,
            idempotency_key=f"quote:{quote.uuid}",
            now=now,
        )
    except ConnectorRefusal as refusal:
        return _fail(quote, refusal.detail)
    except ConnectorBusy as busy:
        log.warning("Billing did not answer for quote %s (%s): the reconciler asks again.", quote.uuid, busy.code)
        return Result(PENDING)
    Quote.objects.filter(pk=quote.pk, state=Quote.State.ACCEPTING).update(state=Quote.State.ACCEPTED)
    return Result(UPGRADED)


def _fail(quote: Quote, words: str) -> Result:
    Quote.objects.filter(pk=quote.pk, state=Quote.State.ACCEPTING).update(state=Quote.State.FAILED, failure=words)
    log.warning("Quote %s was refused by billing; the account keeps its plan.", quote.uuid)
    return Result(FAILED, words)


def _why_not(quote_uuid: UUID, now: datetime) -> Result:
    Quote.objects.filter(
        Q(state=Quote.State.OPEN) | Q(state=Quote.State.CALL_ASKED), uuid=quote_uuid, valid_until__lte=now
    ).update(state=Quote.State.EXPIRED)
    quote = _read(quote_uuid)
    if quote.state in (Quote.State.ACCEPTING, Quote.State.ACCEPTED):
        return Result(ALREADY_DONE)
    if quote.state == Quote.State.FAILED:
        return Result(FAILED, quote.failure)
    return Result(DECLINED if quote.state == Quote.State.DECLINED else EXPIRED)


def _may_accept(quote: Quote, contact_id: int) -> bool:
    """A link outlives its reader's job: who left the account no longer buys for it."""
    return Membership.objects.filter(account_id=quote.account_id, contact_id=contact_id).exists()


def _with_quantity(quote: Quote, quantity: int | None) -> dict[str, Any]:
    if quantity is None or quantity == quote.quantity:
        return {}
    if quote.to_price.model != PlanPrice.Model.PER_SEAT:
        raise QuantityError("This plan is not sold by the seat.")
    if quantity < quote.quantity:
        raise QuantityError(f"At least {quote.quantity} seats are in use.")
    new_mrr: Decimal = pricing.monthly(quoting.engine_price(quote.to_price), quantity)
    return {"quantity": quantity, "new_mrr": new_mrr}


def _read(quote_uuid: UUID) -> Quote:
    rows = Quote.objects.select_related("subscription__plan", "to_price__plan", "from_plan", "account")
    return rows.get(uuid=quote_uuid)
