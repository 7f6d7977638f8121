"""Of several campaigns that want the same account's attention at one time, the one that is worth most gets it.

Asked under the lock of the account's budget row, so that two workers never both take themselves for the best. A message
looks ahead, at what comes due within the window, and back, at what went out within it: who could have known of it
before that went has lost to it. Messages of one campaign are no rivals of each other. Nobody loses to a message that
cannot go: that would leave the account with none of the two.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from campaigns.consent import selectors as consent
from campaigns.delivery import breaker, objections, spend, windows
from campaigns.delivery.budget import PAYER_SQL, Budgets
from campaigns.delivery.claim import Held
from campaigns.operations import arrays

SKIP, DEFER = "skip", "defer"
# What is written on the attempt of one that failed alone, beside the kind of error (`apart.py`).
FAULT = "fault"

# Of most accounts one campaign wants something: who has others waiting is found out by one index alone.
_WAITING = """
SELECT DISTINCT account_id FROM delivery_message
WHERE account_id = ANY(%(accounts)s::bigint[]) AND state IN ('PLANNED', 'READY', 'CLAIMED')
    AND id <> ALL(%(own)s::bigint[]) AND due_at <= %(soon)s AND purpose = 'MARKETING'
"""

_PERMITTED = consent.permitted_by_columns_sql(
    point="point", topic="topic", slug="gate.topic", is_marketing="coalesce(topic.is_marketing, true)"
)
# Only who could really go: of an open gate, to somebody who said yes to its topic, about facts that still hold; not who
# could not be made or begun when it was last tried (a claim counts a try that has no row yet).
_RIVALS = f"""
SELECT rival.account_id, rival.id, rival.gate_id, rival.priority, rival.expected_value, rival.due_at, rival.send_by,
    rival.channel, gate.window_start, gate.window_end, rival.contact_id, contact.time_zone, contact.country,
    account.time_zone, account.country, coalesce(contact.traits ->> 'state', ''),
    coalesce(account.traits ->> 'state', ''), coalesce(budget.spent, '[]'::jsonb), coalesce(shared.spent, '[]'::jsonb)
FROM delivery_message rival
JOIN delivery_sendgate gate ON gate.id = rival.gate_id
JOIN consent_contactpoint point ON point.id = rival.point_id
JOIN profiles_account account ON account.id = rival.account_id
JOIN profiles_contact contact ON contact.id = rival.contact_id
LEFT JOIN consent_consenttopic topic ON topic.slug = gate.topic
LEFT JOIN delivery_attentionbudget budget ON budget.contact_id = rival.contact_id
LEFT JOIN delivery_attentionbudget shared ON shared.contact_id = {PAYER_SQL} AND shared.contact_id <> rival.contact_id
WHERE rival.account_id = ANY(%(accounts)s::bigint[]) AND rival.state IN ('PLANNED', 'READY', 'CLAIMED')
    AND rival.id <> ALL(%(own)s::bigint[]) AND rival.due_at <= %(soon)s AND rival.purpose = 'MARKETING'
    AND rival.channel <> ALL(%(unseen)s) AND (rival.send_by IS NULL OR rival.send_by >= %(now)s)
    AND gate.state = 'OPEN' AND account.revision = rival.account_revision AND {_PERMITTED}
    AND rival.taken_back = '' AND (rival.next_at IS NULL OR rival.next_at <= %(wall_soon)s)
    AND NOT EXISTS (
        SELECT 1 FROM delivery_deliveryattempt tried WHERE tried.message_id = rival.id AND tried.code = %(fault)s
            AND tried.number = rival.attempt - CASE WHEN rival.state = 'CLAIMED' THEN 1 ELSE 0 END
    )
"""  # noqa: S608  (constants)

_GONE = "SELECT id, gate_id, priority, expected_value FROM delivery_message WHERE id = ANY(%(ids)s)"


@dataclass(frozen=True, slots=True)
class Contender:
    id: int
    gate_id: int
    worth: Decimal

    def beats(self, other: Contender) -> bool:
        """Worth more; of two worth the same, the one that was planned first."""
        return (self.worth, -self.id) > (other.worth, -other.id)


class _Rival(NamedTuple):
    """A waiting message with what says when it could go."""

    account_id: int
    id: int
    gate_id: int
    priority: int
    expected_value: Decimal
    due_at: datetime
    send_by: datetime | None
    channel: str
    window_start: time | None
    window_end: time | None
    contact_id: int
    contact_zone: str
    contact_country: str
    account_zone: str
    account_country: str
    state: str
    account_state: str
    spent: Any
    spent_at_address: Any

    def place(self) -> windows.Place:
        return windows.place_of(
            contact_zone=self.contact_zone,
            contact_country=self.contact_country,
            account_zone=self.account_zone,
            account_country=self.account_country,
            state=self.state,
            account_state=self.account_state,
        )


@dataclass(slots=True)
class Arbiter:
    """What is known about the accounts of one slice."""

    now: datetime
    waiting: dict[int, dict[int, Contender]] = field(default_factory=lambda: defaultdict(dict))
    gone: dict[int, list[tuple[Contender, datetime]]] = field(default_factory=lambda: defaultdict(list))
    contested: set[int] = field(default_factory=set)

    def loses_to(self, one: Held) -> int | None:
        """The message of another campaign that one has to stand back for."""
        if one.account_id is None or one.account_id not in self.contested:
            return None
        own = contender(one)
        rivals = [*self.waiting[one.account_id].values()]
        rivals += [winner for winner, at in self.gone[one.account_id] if one.planned_at <= at]
        better = [rival for rival in rivals if rival.gate_id != own.gate_id and rival.beats(own)]
        return max(better, key=lambda rival: (rival.worth, -rival.id)).id if better else None

    def in_order(self, held: Sequence[Held]) -> list[Held]:
        """The best of an account first: whoever lost to it must know whether it goes. Among equals the one planned
        first."""
        by_id = sorted(held, key=lambda one: one.id)
        if not self.contested:
            return by_id
        return sorted(by_id, key=lambda one: -contender(one).worth)

    def settle(self, one: Held, *, is_going: bool) -> None:
        """A message of the slice was decided on: what stays back beats nobody."""
        if one.account_id is None or one.account_id not in self.contested:
            return
        self.waiting[one.account_id].pop(one.id, None)
        if is_going:
            self.gone[one.account_id].append((contender(one), self.now))


def contender(one: Held) -> Contender:
    return Contender(one.id, one.gate_id, worth(priority=one.priority, expected_value=one.expected_value))


def worth(*, priority: int, expected_value: Decimal) -> Decimal:
    """Priority x expected value; what makes no offer is worth ARBITRATION_DEFAULT_VALUE."""
    return priority * (expected_value or settings.ARBITRATION_DEFAULT_VALUE)


def window() -> timedelta:
    return timedelta(minutes=settings.ARBITRATION_WINDOW_MIN)


def find_rivals(
    *, held: Sequence[Held], budgets: Budgets, now: datetime, wall_now: datetime, unseen: Collection[str]
) -> Arbiter:
    """What these messages are held against. `budgets` are locked: they say what the accounts were sent before."""
    arbiter = Arbiter(now)
    accounts = {one.account_id for one in held if one.account_id is not None}
    if not accounts or not window():
        return arbiter
    params: dict[str, Any] = {
        "accounts": arrays.numbers(accounts),
        "own": arrays.numbers(one.id for one in held),
        "soon": now + window(),
        "wall_soon": wall_now + window(),
        "now": now,
        "unseen": sorted(unseen),
        "fault": FAULT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, params)
        waiting = [row[0] for row in cursor.fetchall()]
        if waiting:
            cursor.execute(_RIVALS, params | {"accounts": arrays.numbers(waiting)})
        rivals = [_Rival(*row) for row in cursor.fetchall()] if waiting else []
    for one in _able(rivals, budgets, now, wall_now):
        one_worth = worth(priority=one.priority, expected_value=one.expected_value)
        arbiter.waiting[one.account_id][one.id] = Contender(one.id, one.gate_id, one_worth)
    _add_gone(arbiter, accounts, budgets)
    _add_own(arbiter, held)
    return arbiter


def _able(rivals: Sequence[_Rival], budgets: Budgets, now: datetime, wall_now: datetime) -> list[_Rival]:
    """Those that can go while they are waited for: by their channel and what their campaign offers, their hours, their
    contact's and their account's caps, and the day's money. The contacts' rows are read without a lock: a rival that
    is just being capped wins at worst."""
    if not rivals:
        return []
    shut = breaker.shut_channels(wall_now=wall_now, within=window())
    if spend.is_limited():
        shut |= {spent.channel for spent in spend.stopped_today(now=now)}
    waiting = [one for one in rivals if one.channel not in shut]
    objected = objections.find(message_ids=[one.id for one in waiting])
    return [one for one in waiting if one.id not in objected and _is_known_to_go(one, budgets, now)]


def _is_known_to_go(one: _Rival, budgets: Budgets, now: datetime) -> bool:
    """Of whom what is stored can't be read, that fails as well when they are begun."""
    try:
        return _could_go(one, budgets, now)
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return False


def _could_go(one: _Rival, budgets: Budgets, now: datetime) -> bool:
    place = one.place()
    at = budgets.earliest_of(
        message_id=one.id,
        account_id=one.account_id,
        contacts_sent=[_times(one.spent), _times(one.spent_at_address)],
        now=max(now, one.due_at),
        zone=place.zones[0],
        account_zone=windows.zone_of(contact_zone=one.account_zone, account_zone=one.contact_zone),
    )
    opens = windows.next_sendable(
        at=at, start=one.window_start, end=one.window_end, place=place, channel=one.channel, purpose="MARKETING"
    )
    return opens <= now + window() and (one.send_by is None or opens <= one.send_by)


def _times(spent: Any) -> list[tuple[int, datetime]]:
    entries = spent if isinstance(spent, list) else json.loads(spent)
    return [(spender, datetime.fromisoformat(when)) for spender, when in entries]


def _add_own(arbiter: Arbiter, held: Sequence[Held]) -> None:
    """Of most accounts one campaign wants something: then there is nothing to weigh."""
    gates: dict[int, set[int]] = defaultdict(set)
    for one in held:
        if one.account_id is not None:
            gates[one.account_id].add(one.gate_id)
    arbiter.contested = {account for account, found in gates.items() if len(found) > 1}
    arbiter.contested |= arbiter.waiting.keys() | arbiter.gone.keys()
    for one in held:
        if one.account_id in arbiter.contested:
            arbiter.waiting[one.account_id][one.id] = contender(one)


def _add_gone(arbiter: Arbiter, accounts: Collection[int], budgets: Budgets) -> None:
    since = arbiter.now - window()
    spent = {account: budgets.spent_since(account_id=account, since=since) for account in accounts}
    ids = sorted({message_id for entries in spent.values() for message_id, _ in entries})
    known = _contenders(ids)
    for account, entries in spent.items():
        found = [(known[one], at) for one, at in entries if one in known]
        if found:
            arbiter.gone[account] += found


def _contenders(ids: Sequence[int]) -> Mapping[int, Contender]:
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_GONE, {"ids": list(ids)})
        return {row[0]: Contender(row[0], row[1], worth(priority=row[2], expected_value=row[3])) for row in cursor}
