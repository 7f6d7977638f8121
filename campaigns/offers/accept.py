"""Say yes to a quote: one upgrade, whatever happens in between.

ACCEPTING is committed before billing is called, and the call carries a key made from the quote. So of
any number of clicks one calls, and a crash after the call is finished by the reconciler with the same
key, which billing answers without charging again.

What is our fault (a wrong key, a price that billing does not have) is never the customer's: the quote stays ACCEPTING
with the reason in `failure`, and all such are tried again with growing pauses, under their own keys.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from campaigns.billing import change
from campaigns.billing.models import PlanPrice
from campaigns.offers import quote as quoting
from campaigns.offers.models import Quote
from campaigns.profiles.models import Account, Membership
from orchestrator.connectors.contract import ConnectorBusy, ConnectorMisconfigured, ConnectorRefusal
from orchestrator.engine import pricing

log = logging.getLogger(__name__)

# Longer than a call to billing may take; a younger ACCEPTING is somebody's call under way.
FINISH_AFTER = timedelta(seconds=45)
# What waits for us to mend something is tried again after a part of the time it has waited, and at least so often.
LONGEST_PAUSE = timedelta(minutes=10)
_PAUSE_PART = 4
LATE_AFTER = timedelta(minutes=15)
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)

UPGRADED = "upgraded"
ALREADY_DONE = "already_done"
DECLINED = "declined"
CALL_ASKED = "call_asked"
EXPIRED = "expired"
PENDING = "pending"
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """`name` is upgraded, already_done, declined, call_asked or expired; pending when billing did not answer or we
    have no access to it (the reconciler goes on), failed when it refused for good: `detail` says why, in its words."""

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
    is_shut = False
    for quote in list(waiting.order_by("failure", "wall_accepting_at")[:limit]):
        since = quote.wall_accepting_at
        assert since is not None, "The filter asks for it."
        if quote.failure and (is_shut or wall_now - since < _pause(quote, now)):
            continue
        # Taking it is this conditional update: of two reconcilers one goes on.
        taken = Quote.objects.filter(pk=quote.pk, state=Quote.State.ACCEPTING, wall_accepting_at=since).update(
            wall_accepting_at=wall_now
        )
        if not taken:
            continue
        result = _charge(_read(quote.uuid), now)
        ended += result.name != PENDING
        is_shut = is_shut or bool(result.name == PENDING and result.detail)
    return ended


def waiting_for_us() -> QuerySet[Quote]:
    """Yeses that wait because of our access to billing or our catalogue; `failure` says what is to be mended."""
    return Quote.objects.filter(state=Quote.State.ACCEPTING).exclude(failure="")


def waiting_for_billing(*, now: datetime) -> QuerySet[Quote]:
    """Yeses that billing has not answered for so long that a person should know."""
    return Quote.objects.filter(state=Quote.State.ACCEPTING, failure="", answered_at__lt=now - LATE_AFTER)


def try_again(*, quote_ids: Sequence[int]) -> int:
    """A person has mended what was wrong: the next round of the reconciler asks billing again. Returns how many."""
    return waiting_for_us().filter(pk__in=quote_ids).update(wall_accepting_at=_AT_ONCE)


def _pause(quote: Quote, now: datetime) -> timedelta:
    waited = now - (quote.answered_at or now)
    return min(max(waited / _PAUSE_PART, FINISH_AFTER), LONGEST_PAUSE)


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
    except ConnectorMisconfigured as ours:
        return _hold(quote, ours)
    except ConnectorRefusal as refusal:
        return _fail(quote, refusal.detail)
    except ConnectorBusy as busy:
        log.warning("Billing did not answer for quote %s (%s): the reconciler asks again.", quote.uuid, busy.code)
        return Result(PENDING)
    Quote.objects.filter(pk=quote.pk, state=Quote.State.ACCEPTING).update(state=Quote.State.ACCEPTED, failure="")
    return Result(UPGRADED)


def _hold(quote: Quote, ours: ConnectorMisconfigured) -> Result:
    Quote.objects.filter(pk=quote.pk, state=Quote.State.ACCEPTING).update(failure=ours.detail)
    if not quote.failure:
        # What waits to be sent there is looked at again before it goes: they said yes, and are not asked again.
        Account.objects.filter(pk=quote.account_id).update(revision=F("revision") + 1)
    log.error("The yes to quote %s waits until our access to billing is mended (%s).", quote.uuid, ours.code)
    return Result(PENDING, ours.detail)


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
