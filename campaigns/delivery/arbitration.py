"""Of several campaigns that want the same account's attention at one time, the one that is worth most gets it.

Asked under the lock of the account's budget row, so that two workers never both take themselves for the best. A message
looks ahead, at what comes due within the window, and back, at what went out within it: who could have known of it
before that went has lost to it. Messages of one campaign are no rivals of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection

from campaigns.delivery.budget import Budgets
from campaigns.delivery.claim import Held
from campaigns.operations import arrays

SKIP, DEFER = "skip", "defer"

# Of most accounts one campaign wants something: who has others waiting is found out by one index alone.
_WAITING = """
SELECT DISTINCT account_id FROM delivery_message
WHERE account_id = ANY(%(accounts)s::bigint[]) AND state IN ('PLANNED', 'READY', 'CLAIMED')
    AND id <> ALL(%(own)s::bigint[]) AND due_at <= %(soon)s AND purpose = 'MARKETING'
"""

# Only who could really go: of an open gate, to somebody who may be reached, about facts that still hold.
_RIVALS = """
SELECT rival.account_id, rival.id, rival.gate_id, rival.priority, rival.expected_value
FROM delivery_message rival
JOIN delivery_sendgate gate ON gate.id = rival.gate_id
JOIN consent_contactpoint point ON point.id = rival.point_id
JOIN profiles_account account ON account.id = rival.account_id
WHERE rival.account_id = ANY(%(accounts)s::bigint[]) AND rival.state IN ('PLANNED', 'READY', 'CLAIMED')
    AND rival.id <> ALL(%(own)s::bigint[]) AND rival.due_at <= %(soon)s AND rival.purpose = 'MARKETING'
    AND rival.channel <> ALL(%(unseen)s) AND (rival.send_by IS NULL OR rival.send_by >= %(now)s)
    AND gate.state = 'OPEN' AND NOT point.is_blocked AND NOT point.is_held AND account.revision = rival.account_revision
"""

_GONE = "SELECT id, gate_id, priority, expected_value FROM delivery_message WHERE id = ANY(%(ids)s)"


@dataclass(frozen=True, slots=True)
class Contender:
    id: int
    gate_id: int
    worth: Decimal

    def beats(self, other: Contender) -> bool:
        """Worth more; of two worth the same, the one that was planned first."""
        return (self.worth, -self.id) > (other.worth, -other.id)


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


def find_rivals(*, held: Sequence[Held], budgets: Budgets, now: datetime, unseen: Collection[str]) -> Arbiter:
    """What these messages are held against. `budgets` are locked: they say what the accounts were sent before."""
    arbiter = Arbiter(now)
    accounts = {one.account_id for one in held if one.account_id is not None}
    if not accounts or not window():
        return arbiter
    params: dict[str, Any] = {
        "accounts": arrays.numbers(accounts),
        "own": arrays.numbers(one.id for one in held),
        "soon": now + window(),
        "now": now,
        "unseen": sorted(unseen),
    }
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, params)
        waiting = [row[0] for row in cursor.fetchall()]
        if waiting:
            cursor.execute(_RIVALS, params | {"accounts": arrays.numbers(waiting)})
        for account_id, message_id, gate_id, priority, value in cursor.fetchall() if waiting else ():
            one_worth = worth(priority=priority, expected_value=value)
            arbiter.waiting[account_id][message_id] = Contender(message_id, gate_id, one_worth)
    _add_gone(arbiter, accounts, budgets)
    _add_own(arbiter, held)
    return arbiter


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
