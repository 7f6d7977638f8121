"""Take over what billing says about a subscription, and write down what that did to the account's MRR."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from campaigns.billing import ledger
from campaigns.billing.models import MrrMovement, Plan, Subscription
from campaigns.profiles import changes
from campaigns.profiles.models import Account
from orchestrator.connectors.contract import SubscriptionState

_ORDER = (
    Subscription.Status.INCOMPLETE,
    Subscription.Status.TRIALING,
    Subscription.Status.ACTIVE,
    Subscription.Status.PAST_DUE,
    Subscription.Status.UNPAID,
    Subscription.Status.PAUSED,
    Subscription.Status.CANCELED,
)


class UnknownPlanError(LookupError):
    """The subscription's price names no plan of the catalogue. Apply the catalogue, then replay."""

    def __init__(self, plan_code: str, price_id: str) -> None:
        super().__init__(f"No plan {plan_code!r} in the catalogue (billing's price {price_id!r}).")
        self.plan_code = plan_code
        self.price_id = price_id


class UnreadableStateError(ValueError):
    """A status, interval or figure that no subscription of ours can have."""


def apply_subscription(
    *, state: SubscriptionState, account_id: int, cause: str, now: datetime, bought: Plan | None = None
) -> MrrMovement | None:
    """Store a report and return the movement of `account_id`, or None where its MRR did not move. `bought`: the plan
    whose price we have just asked for, should the report not say so.

    A report older than the stored one is ignored. Of two of the same second the further status wins, then the
    higher MRR: their order of arrival does not matter. Raises UnknownPlanError, UnreadableStateError.
    """
    _check(state)
    plan = find_plan(state=state, bought=bought)
    with transaction.atomic():
        accounts = _lock_accounts(state, account_id)
        rows = list(Subscription.objects.select_related("plan").filter(account_id__in=accounts).order_by("id"))
        stored = next((row for row in rows if row.external_id == state.external_id), None)
        if stored is not None and not _is_newer(state, stored):
            return None
        told = _store(state, account_id, plan, stored)
        after = [*(row for row in rows if row is not stored), told]
        movements = _write_movements(ledger.compare(ledger.add_up(rows), ledger.add_up(after)), stored, told, cause)
        if movements or stored is None or stored.plan_id != told.plan_id or _is_in_trouble(told, stored):
            Account.objects.filter(pk__in=accounts).update(revision=F("revision") + 1)
        changes.note_accounts(account_ids=accounts, kind=changes.PLAN_CHANGED, now=now)
    return next((one for one in movements if one.account_id == account_id), None)


def find_plan(*, state: SubscriptionState, bought: Plan | None = None) -> Plan:
    """By the code that the price names, else by its key or its id once learnt, or as long as the subscription keeps
    it: after a rise the price of before has neither. Raises UnknownPlanError."""
    plan = Plan.objects.filter(code=state.plan_code).first() if state.plan_code else None
    if plan is None and state.price_id:
        is_known = Q(prices__billing_price_id=state.price_id)
        if state.price_key:
            is_known |= Q(prices__lookup_key=state.price_key)
        plan = Plan.objects.filter(is_known).first()
        same = Subscription.objects.filter(external_id=state.external_id, billing_price_id=state.price_id)
        plan = plan or bought or Plan.objects.filter(pk__in=same.values("plan")).first()
    if plan is None:
        raise UnknownPlanError(state.plan_code, state.price_id)
    return plan


def _is_in_trouble(told: Subscription, stored: Subscription) -> bool:
    """Whether it has become one that nobody sells to: a payment failed, or the end is announced."""
    is_unpaid = told.status == Subscription.Status.PAST_DUE and stored.status != told.status
    return is_unpaid or (told.cancel_scheduled and not stored.cancel_scheduled)


def _check(state: SubscriptionState) -> None:
    if state.status not in Subscription.Status.values:
        raise UnreadableStateError(f"Subscription {state.external_id}: status {state.status!r} is not known.")
    if state.interval not in {"MONTH", "YEAR"}:
        raise UnreadableStateError(f"Subscription {state.external_id}: interval {state.interval!r} is not sold.")
    if state.mrr < 0 or state.quantity < 0:
        raise UnreadableStateError(f"Subscription {state.external_id}: MRR and quantity cannot be negative.")


def _lock_accounts(state: SubscriptionState, account_id: int) -> list[int]:
    """The account, and the one the subscription was stored under should it have changed hands."""
    holder = Subscription.objects.filter(external_id=state.external_id).values("account_id")
    return list(
        Account.objects.select_for_update(no_key=True)
        .filter(Q(pk=account_id) | Q(pk__in=holder))
        .order_by("external_id")
        .values_list("pk", flat=True)
    )


def _is_newer(state: SubscriptionState, stored: Subscription) -> bool:
    if state.as_of != stored.as_of:
        return state.as_of > stored.as_of
    told, known = _ORDER.index(Subscription.Status(state.status)), _ORDER.index(Subscription.Status(stored.status))
    return (told, state.mrr, state.quantity, state.price_id) > (
        known,
        stored.mrr,
        stored.quantity,
        stored.billing_price_id,
    )


def _store(state: SubscriptionState, account_id: int, plan: Plan, stored: Subscription | None) -> Subscription:
    row = copy.copy(stored) if stored is not None else Subscription(external_id=state.external_id)
    row.account_id = account_id
    row.plan = plan
    row.status = state.status
    row.currency = state.currency.upper()
    row.interval = state.interval
    row.quantity = state.quantity
    row.mrr = state.mrr
    row.started_at = state.started_at
    row.ended_at = state.ended_at
    row.renews_at = state.renews_at
    row.trial_ends_at = state.trial_ends_at
    row.cancel_scheduled = state.cancel_scheduled
    row.billing_item_id = state.item_id
    row.billing_price_id = state.price_id
    row.as_of = state.as_of
    row.save()
    return row


def _write_movements(
    moves: Sequence[ledger.Move], stored: Subscription | None, told: Subscription, cause: str
) -> list[MrrMovement]:
    """Plans are named where they earned: before for `from_plan`, now for `to_plan`."""
    return [
        MrrMovement.objects.create(
            account_id=move.account_id,
            at=told.as_of,
            kind=_kind(move),
            delta=move.delta,
            currency=move.currency,
            cause=cause if index == 0 else f"{cause}:{move.currency}",
            from_plan=stored.plan if stored and _earns(stored, move.account_id) else None,
            to_plan=told.plan if _earns(told, move.account_id) else None,
            subscription=told,
        )
        for index, move in enumerate(moves)
    ]


def _kind(move: ledger.Move) -> MrrMovement.Kind:
    if move.is_first and MrrMovement.objects.filter(account_id=move.account_id).exists():
        return MrrMovement.Kind.REACTIVATION
    return move.kind


def _earns(subscription: Subscription, account_id: int) -> bool:
    return subscription.account_id == account_id and ledger.earned(subscription) > 0
