"""Say yes to a quote: one upgrade, whatever happens in between.

ACCEPTING is committed before billing is called, and the call carries a key made from the quote. So of
any number of clicks one calls, and a crash after the call is finished by the reconciler with the same
key, which billing answers without charging again.

What is our fault (a wrong key, a price that billing does not have) is never the customer's: the quote stays ACCEPTING
with the reason in `failure`, and all such are tried again with growing pauses, under their own keys.

`failure` is taken away before each call: so a yes that has one is in nobody's call, and unless it says that the change
may have been made (`Quote.MADE`), nothing was changed. Until then a no takes it back.

Whoever calls has taken the yes: `wall_accepting_at` is when. A call that takes longer than FINISH_AFTER may find that
another has taken it since. Then a refusal is no longer its to write: the other's call may make the change.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet, Value

from campaigns.billing import change
from campaigns.billing import selectors as billing
from campaigns.billing.models import Interval, PlanPrice
from campaigns.offers import quote as quoting
from campaigns.offers.models import Quote
from campaigns.operations.models import AuditEntry
from campaigns.profiles.models import Account, Membership
from orchestrator import clock
from orchestrator.connectors.contract import ConnectorBusy, ConnectorError, ConnectorMisconfigured, ConnectorRefusal
from orchestrator.engine import pricing

log = logging.getLogger(__name__)

# Longer than a call to billing may take; a younger ACCEPTING is somebody's call under way.
FINISH_AFTER = timedelta(seconds=45)
# A round of the reconciler takes no yes after that; what is left is the next one's.
LONGEST_ROUND = timedelta(seconds=30)
# What waits for us to mend something is tried again after a part of the time it has waited, and at least so often.
LONGEST_PAUSE = timedelta(minutes=10)
_PAUSE_PART = 4
LATE_AFTER = timedelta(minutes=15)
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
_MAY_ANSWER = (Quote.State.OPEN, Quote.State.CALL_ASKED)

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
    changes = _with_quantity(quote, quantity)
    hindered = _commit_intent(quote, contact_id, changes, now, wall_now)
    if hindered:
        return hindered
    return _charge(_read(quote_uuid), now, taken_at=wall_now, is_untouched=True)


def finish_accepting(*, now: datetime, wall_now: datetime, limit: int = 100) -> int:
    """Go on with acceptances whose caller died or whose billing call got no answer. Returns how many ended.

    `wall_now` is when the round begins; it ends after LONGEST_ROUND, or with `limit` yeses.
    The one that has waited longest comes first. What waits for us is asked once a round for each thing to mend: as soon
    as one is held by it, the others wait for the next round, and stand in nobody's way.
    """
    ended, shut = 0, set[str]()
    began = clock.wall_now()
    for _turn in range(limit):
        passed = clock.wall_now() - began
        if passed > LONGEST_ROUND:
            break
        # Of this moment: after slow calls one dated back to the round's beginning would be another's at once.
        taken_at = wall_now + passed
        quote = _due(now, taken_at).exclude(failure__in=shut).order_by("wall_accepting_at", "pk").first()
        if quote is None:
            break
        # Taking it is this conditional update: of two reconcilers, or of one and a no, one goes on.
        taken = Quote.objects.filter(
            pk=quote.pk, state=Quote.State.ACCEPTING, wall_accepting_at=quote.wall_accepting_at, failure=quote.failure
        ).update(wall_accepting_at=taken_at, failure="")
        if not taken:
            continue
        result = _go_on(_read(quote.uuid), quote.failure, now, taken_at)
        ended += result.name != PENDING
        if result.name == PENDING and result.detail:
            shut |= {*_texts(result.detail), *_texts(quote.failure)}
    return ended


@transaction.atomic
def end_waiting(*, quote_ids: Sequence[int], by: str, now: datetime) -> int:
    """A person has decided that these yeses are not carried out, of those that were surely not made. Returns how many.
    Whoever said yes is to be told: their page says that nothing was changed."""
    asked = Quote.objects.filter(Quote.held(), pk__in=quote_ids)
    # The accounts before their quotes, as a no does.
    accounts = Account.objects.select_for_update(no_key=True).filter(pk__in=asked.values("account"))
    list(accounts.order_by("external_id").values_list("pk", flat=True))
    held = list(asked.select_for_update().order_by("pk"))
    AuditEntry.objects.bulk_create(
        AuditEntry(
            at=now, actor=by, action="quote.end_waiting", subject=f"quote:{one.uuid}", before={"failure": one.failure}
        )
        for one in held
    )
    # What waits to be sent there is looked at again before it goes: they wait for nothing any more.
    Account.objects.filter(pk__in=[one.account_id for one in held]).update(revision=F("revision") + 1)
    return Quote.objects.filter(pk__in=[one.pk for one in held]).update(state=Quote.State.FAILED)


def waiting_for_us() -> QuerySet[Quote]:
    """Yeses that wait because of our access to billing or our catalogue; `failure` says what is to be mended."""
    return Quote.objects.filter(state=Quote.State.ACCEPTING).exclude(failure="")


def waiting_for_billing(*, now: datetime) -> QuerySet[Quote]:
    """Yeses that billing has not answered for so long that a person should know."""
    return Quote.objects.filter(state=Quote.State.ACCEPTING, failure="", answered_at__lt=now - LATE_AFTER)


def try_again(*, quote_ids: Sequence[int]) -> int:
    """A person has mended what was wrong: the next round of the reconciler asks billing again. Returns how many."""
    return waiting_for_us().filter(pk__in=quote_ids).update(wall_accepting_at=_AT_ONCE)


def _due(now: datetime, wall_now: datetime) -> QuerySet[Quote]:
    """In nobody's call; and what waits for us has had its pause: a part of `now - answered_at`, within bounds."""
    rested = ExpressionWrapper(Value(wall_now) - F("wall_accepting_at"), output_field=DurationField())
    paused = ExpressionWrapper(F("rested") * _PAUSE_PART, output_field=DurationField())
    waited = ExpressionWrapper(Value(now) - F("answered_at"), output_field=DurationField())
    rows = Quote.objects.filter(state=Quote.State.ACCEPTING, wall_accepting_at__lt=wall_now - FINISH_AFTER)
    rows = rows.annotate(rested=rested).annotate(paused=paused, waited=waited)
    return rows.filter(Q(failure="") | Q(rested__gte=LONGEST_PAUSE) | Q(paused__gte=F("waited")))


def _texts(failure: str) -> set[str]:
    """How the same thing to mend may stand in `failure`; none for what was not refused."""
    bare = failure.removeprefix(Quote.MAY_BE_MADE)
    return {bare, f"{Quote.MAY_BE_MADE}{bare}"} if bare else set()


def _commit_intent(
    quote: Quote, contact_id: int, changes: Mapping[str, Any], now: datetime, wall_now: datetime
) -> Result | None:
    """None once ACCEPTING is committed, else why not. The account is locked: of two quotes of one account, one is
    accepted."""
    with transaction.atomic(durable=True):
        Account.objects.select_for_update(no_key=True).get(pk=quote.account_id)
        fresh = _read(quote.uuid)
        if fresh.state in _MAY_ANSWER:
            others = Quote.objects.filter(account_id=quote.account_id, state=Quote.State.ACCEPTING)
            quantity = changes.get("quantity", fresh.quantity)
            hindered = ALREADY_DONE if others.exists() else moved(quote=fresh, quantity=quantity, now=now)
            if hindered == EXPIRED:
                Quote.objects.filter(pk=quote.pk, state__in=_MAY_ANSWER).update(state=Quote.State.EXPIRED)
            if hindered:
                return Result(hindered)
        taken = Quote.objects.filter(pk=quote.pk, state__in=_MAY_ANSWER, valid_until__gt=now).update(
            state=Quote.State.ACCEPTING,
            answered_at=now,
            answered_by_id=contact_id,
            wall_accepting_at=wall_now,
            failure="",
            **changes,
        )
    return None if taken else _why_not(quote.uuid, now)


def moved(*, quote: Quote, quantity: int, now: datetime) -> str:
    """ALREADY_DONE where the account has the plan by now, EXPIRED where it has another than the price was made from,
    another subscription, or more seats than would be bought: nobody is given less than they have. Else empty."""
    current = billing.current_subscriptions(account_ids=[quote.account_id], now=now).get(quote.account_id)
    has = current or quote.subscription
    if has.plan_id == quote.to_price.plan_id:
        return ALREADY_DONE
    is_other = (has.pk, has.plan_id) != (quote.subscription_id, quote.from_plan_id)
    has_more = quote.to_price.model == PlanPrice.Model.PER_SEAT and has.quantity > quantity
    return EXPIRED if is_other or has_more else ""


def _go_on(quote: Quote, failure: str, now: datetime, taken_at: datetime) -> Result:
    """With a yes that was just taken, and whose `failure` was this until then."""
    # Without a word of billing the caller died, or it did not answer: either may be after the change.
    is_untouched = bool(failure) and not failure.startswith(Quote.MADE)
    return _charge(quote, now, taken_at=taken_at, is_untouched=is_untouched, was_held=bool(failure))


def _charge(quote: Quote, now: datetime, *, taken_at: datetime, is_untouched: bool, was_held: bool = False) -> Result:
    """Ask billing, and write what it said. Safe to repeat for the same quote.

    `taken_at`: by which taking. `is_untouched`: no earlier call can have changed anything.
    """
    # As it was taken, whoever has taken it since.
    quote.wall_accepting_at = taken_at
    hindered = moved(quote=quote, quantity=quote.quantity, now=now)
    if hindered == ALREADY_DONE:
        # By an earlier call of ours or by their own hand: what they have now is what they wanted last.
        return _settle(quote)
    if hindered:
        return _fail(quote, "The subscription changed since this price was made.")
    try:
        change.change_plan(
            subscription=quote.subscription,
            price=quote.to_price,
            offered_id=quote.billing_price_id,
            quantity=quote.quantity,
            monthly=quote.new_mrr,
            idempotency_key=f"quote:{quote.uuid}",
            now=now,
        )
    except ConnectorMisconfigured as ours:
        is_sure = not isinstance(ours, change.NotTakenOver) and (is_untouched or _is_unmade(quote))
        return _hold(quote, ours, is_sure=is_sure, was_held=was_held)
    except ConnectorRefusal as refusal:
        return _fail(quote, refusal.detail)
    except change.NotAsked as unsaid:
        # Held, so that a no can still take it back; after an earlier call that may have changed something nothing can.
        return _hold(quote, unsaid, is_sure=True, was_held=was_held) if is_untouched else Result(PENDING)
    except ConnectorBusy as busy:
        log.warning("Billing did not answer for quote %s (%s): the reconciler asks again.", quote.uuid, busy.code)
        return Result(PENDING)
    return _settle(quote)


def _is_unmade(quote: Quote) -> bool:
    """After earlier calls of which nobody knows what became: none of them lasts FINISH_AFTER."""
    return change.is_unmade(subscription=quote.subscription, price=quote.to_price, offered_id=quote.billing_price_id)


def _settle(quote: Quote) -> Result:
    """A change that is made is a fact, whoever learns of it: it is written also by who was overtaken."""
    Quote.objects.filter(pk=quote.pk, state=Quote.State.ACCEPTING).update(state=Quote.State.ACCEPTED, failure="")
    return Result(UPGRADED)


def _hold(quote: Quote, ours: ConnectorError, *, is_sure: bool, was_held: bool) -> Result:
    is_said = is_sure or ours.detail.startswith(Quote.MADE)
    words = ours.detail if is_said else f"{Quote.MAY_BE_MADE}{ours.detail}"
    if _still_taken(quote).update(failure=words) and not was_held:
        # What waits to be sent there is looked at again before it goes: they said yes, and are not asked again.
        Account.objects.filter(pk=quote.account_id).update(revision=F("revision") + 1)
    log.error("The yes to quote %s waits until our access to billing is mended (%s).", quote.uuid, ours.code)
    return Result(PENDING, words)


def _fail(quote: Quote, words: str) -> Result:
    if not _still_taken(quote).update(state=Quote.State.FAILED, failure=words):
        return Result(PENDING)
    log.warning("Quote %s was refused by billing; the account keeps its plan.", quote.uuid)
    return Result(FAILED, words)


def _still_taken(quote: Quote) -> QuerySet[Quote]:
    """The quote, unless another has taken it since."""
    return Quote.objects.filter(pk=quote.pk, state=Quote.State.ACCEPTING, wall_accepting_at=quote.wall_accepting_at)


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
    # As it was offered, whatever the catalogue says since.
    months = 12 if quote.interval == Interval.YEAR else 1
    unit = Decimal(quote.figures.get("charged_per_interval") or quote.new_mrr * months) / quote.quantity
    price = replace(quoting.engine_price(quote.to_price), unit_amount=unit)
    new_mrr: Decimal = pricing.monthly(price, quantity)
    return {"quantity": quantity, "new_mrr": new_mrr}


def _read(quote_uuid: UUID) -> Quote:
    rows = Quote.objects.select_related("subscription__plan", "to_price__plan", "from_plan", "account")
    return rows.get(uuid=quote_uuid)
