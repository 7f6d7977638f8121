"""Billing's webhooks become links between customers and accounts, and subscriptions with their MRR movements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.billing import catalog, subscribe
from campaigns.intake.pending import Inbound, Verdicts
from campaigns.profiles import identify, lookup
from campaigns.usage import record, roll
from orchestrator.connectors.contract import BillingEvent
from orchestrator.connectors.stripe import events as stripe
from orchestrator.webhooks.errors import Unreadable

PAYMENT_FAILED = "crescendo.payment_failed"

type _Read = tuple[Inbound, BillingEvent]


@dataclass(slots=True)
class Taken:
    """`introduced`: a customer or a price is new that parked events may wait for."""

    verdicts: Verdicts = field(default_factory=Verdicts)
    subscriptions: int = 0
    movements: int = 0
    introduced: bool = False


def take_events(*, rows: Sequence[Inbound], now: datetime) -> Taken:
    """In the order in which they happened in billing, not in which they came."""
    taken = Taken()
    read = sorted(_read(rows, taken), key=lambda pair: (pair[1].at, pair[0].id))
    _link_customers(read, taken)
    _learn_prices(read, taken)
    carried = [(row, event) for row, event in read if event.subscription is not None]
    named = {event.subscription.account_external_id for _, event in carried if event.subscription}
    accounts = lookup.account_ids(external_ids=named - {""})
    links: dict[str, int] = {}
    for row, event in carried:
        _take_subscription(row, event, accounts, links, taken, now)
    taken.introduced |= identify.alias_accounts(source=lookup.BILLING, pairs=list(links.items())) > 0
    _record_failed_payments(read)
    return taken


def _read(rows: Sequence[Inbound], taken: Taken) -> list[_Read]:
    read: list[_Read] = []
    for row in rows:
        try:
            read.append((row, stripe.parse_event(json.dumps(row.payload).encode())))
        except Unreadable as error:
            taken.verdicts.bad[row.id] = str(error)
    return read


def _link_customers(read: Sequence[_Read], taken: Taken) -> None:
    """A customer says whose it is by the metadata `account_external_id`."""
    links = [(row, link) for row, event in read if (link := stripe.customer_link(event)) and link.account_external_id]
    accounts = lookup.account_ids(external_ids={link.account_external_id for _, link in links})
    known = [(row, link) for row, link in links if link.account_external_id in accounts]
    for row, link in links:
        if link.account_external_id not in accounts:
            taken.verdicts.waiting[row.id] = f"account:{link.account_external_id}"
    pairs = [(link.customer_id, accounts[link.account_external_id]) for _, link in known]
    taken.introduced |= identify.alias_accounts(source=lookup.BILLING, pairs=pairs) > 0


def _learn_prices(read: Sequence[_Read], taken: Taken) -> None:
    for _, event in read:
        if told := stripe.price_told(event):
            taken.introduced |= catalog.hear_price(lookup_key=told[0], asked=told[1])


def _take_subscription(
    row: Inbound,
    event: BillingEvent,
    accounts: dict[str, int],
    links: dict[str, int],
    taken: Taken,
    now: datetime,
) -> None:
    """`links` collects whose customer is whose account."""
    state = event.subscription
    assert state is not None
    account_id = _account_of(event, accounts)
    if account_id is None:
        named = state.account_external_id
        taken.verdicts.waiting[row.id] = f"account:{named}" if named else f"billing:{state.customer_id}"
        return
    try:
        movement = subscribe.apply_subscription(state=state, account_id=account_id, cause=event.id, now=now)
    except subscribe.UnknownPlanError as error:
        taken.verdicts.waiting[row.id] = f"plan:{error.plan_code}" if error.plan_code else f"price:{error.price_id}"
        return
    except subscribe.UnreadableStateError as error:
        taken.verdicts.bad[row.id] = str(error)
        return
    if state.customer_id:
        links.setdefault(state.customer_id, account_id)
    taken.subscriptions += 1
    taken.movements += movement is not None


def _account_of(event: BillingEvent, accounts: dict[str, int]) -> int | None:
    """By what the subscription or its customer says, else by the customer's known link."""
    state = event.subscription
    assert state is not None
    if state.account_external_id:
        return accounts.get(state.account_external_id)
    return lookup.account_by_billing(customer_id=state.customer_id)


def _record_failed_payments(read: Sequence[_Read]) -> None:
    """What marketers may ask about as an event; a customer who is nobody's is no news about an account."""
    events = []
    for row, event in read:
        if event.kind != "invoice.payment_failed":
            continue
        account_id = lookup.account_by_billing(customer_id=str(event.raw["data"]["object"].get("customer") or ""))
        if account_id is not None:
            events.append(
                record.NewEvent(
                    at=event.at,
                    account_id=account_id,
                    contact_id=None,
                    name=PAYMENT_FAILED,
                    properties={"invoice": event.raw["data"]["object"].get("id")},
                    source=row.source,
                    message_id=row.message_id,
                    received_at=row.received_at,
                )
            )
    record.record_events(events=events)
    roll.roll_events(events=events)
