"""The last moment: decide under locks whether a claimed message goes, and commit that before it does.

One synchronously committed transaction per slice. The rows of the send switch, the points and the
gates are locked FOR SHARE in id order, and whether somebody opted out or paused is read from those
rows alone: READ COMMITTED looks again only at the row it waited for. Everything else is read in
later statements, after the locks. So an opt-out that committed before this transaction is seen, and
one that comes later waits until SENDING is committed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic, ContactPoint
from campaigns.delivery import (
    arbitration,
    budget,
    content,
    decided,
    evidence,
    freshness,
    objections,
    prices,
    spend,
    windows,
)
from campaigns.delivery.arbitration import Arbiter
from campaigns.delivery.budget import Budgets
from campaigns.delivery.claim import Held
from campaigns.delivery.decided import SENDING, Verdict
from campaigns.delivery.models import Message, SendGate
from campaigns.delivery.spend import Cost, Purse
from campaigns.operations import arrays, database_identity
from campaigns.profiles import selectors as profiles

State = Message.State
Reason = Message.Reason

# A paused message is looked at again this soon; the claim passes over paused gates anyway.
HOLD = timedelta(seconds=5)
# A machine reads these, not the contact: they take nothing of anybody's attention.
UNSEEN = frozenset({"webhook"})
# What is written on the attempt of one that stays back while others of its request go again.
STOOD_BACK = "stood_back"
_STOOD_BACK = "Not sent: its request was refused for another message, and by then it could not go in the next one."

_SWITCH = f"""
SELECT is_on AND {database_identity.DECIDED_HERE_SQL} FROM operations_sendswitch WHERE id = 1 FOR SHARE
"""  # noqa: S608  (a constant)

_OWN = """
SELECT id, attempt, taken_back, window_start, window_end, decided_at IS NOT NULL FROM delivery_message
WHERE id = ANY(%(ids)s::bigint[]) AND state = %(state)s
ORDER BY id
FOR UPDATE
"""

_POINTS = f"""
SELECT id, channel, {budget.PAYER_SQL} AS contact_id, is_blocked, is_held, is_dead, reason, topics
FROM consent_contactpoint point WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id FOR SHARE
"""  # noqa: S608  (a constant)

_GATES = """
SELECT id, state, topic
FROM delivery_sendgate WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id FOR SHARE
"""

_ACCOUNTS = f"""
SELECT account.id, account.revision, {profiles.is_red_sql(account="account")}
FROM profiles_account account WHERE account.id = ANY(%(ids)s::bigint[])
"""  # noqa: S608  (a constant)

_CALLED = """
SELECT account_id FROM delivery_csmtask WHERE account_id = ANY(%(ids)s::bigint[]) AND state = 'OPEN'
"""


@dataclass(frozen=True, slots=True)
class _Own:
    """What the row of a message says that is still held. `taken_back`: why, if that was done meanwhile;
    `is_sent_again`: by a person, who decided on it as it was."""

    taken_back: str
    window_start: time | None
    window_end: time | None
    is_sent_again: bool


@dataclass(slots=True)
class _Facts:
    """What the locked rows and the statements after the locks said."""

    is_on: bool
    own: Mapping[int, _Own]
    points: Mapping[int, ContactPoint]
    gates: Mapping[int, SendGate]
    topics: Mapping[str, ConsentTopic]
    proven: set[int] = field(default_factory=set)
    accounts: Mapping[int, tuple[int, bool]] = field(default_factory=dict)
    """Revision, and whether it is in the red."""
    objections: Mapping[int, str] = field(default_factory=dict)


def begin_send(
    *,
    held: Sequence[Held],
    topics: Mapping[str, ConsentTopic],
    now: datetime,
    wall_now: datetime,
    requests: Mapping[int, UUID] | None = None,
    costs: Mapping[int, Cost] | None = None,
    at: datetime | None = None,
    is_rehearsal: bool = False,
) -> dict[int, Verdict]:
    """Decide on each, write it and commit; by message id. Rendering is done already: no lock waits for it.

    A message whose claim was lost meanwhile is absent: somebody else decides on it. `requests` names the request of
    each message that shares one; `costs` what each takes of the day's budget, where the channel is paid for. `at`: the
    time by now, where `now` is a drain's: hours, prices, deadlines go by it. Of a rehearsal nothing is kept.
    """
    with transaction.atomic(durable=True):
        verdicts = decide(held=held, topics=topics, now=now, wall_now=wall_now, costs=costs, at=at)
        decided.write(held=held, verdicts=verdicts, now=now, wall_now=wall_now)
        going = [one for one in held if verdicts.get(one.id) == SENDING]
        decided.write_attempts(held=going, requests=requests or {}, wall_now=wall_now)
        if is_rehearsal:
            decided.take_back()
    return verdicts


def begin_again(
    *,
    held: Sequence[Held],
    topics: Mapping[str, ConsentTopic],
    now: datetime,
    wall_now: datetime,
    requests: Mapping[int, UUID],
    at: datetime | None = None,
) -> dict[int, Verdict]:
    """The request that carried these was refused for another's sake: decide anew whether they may go in others, named
    by `requests`, within the same attempt. Committed when it returns; by message id.

    What was said meanwhile counts as at first, under the same locks. Who stays back is written down and gives back what
    it had taken of anybody's attention (text messages, which take money, go one by one). Absent is what is no longer
    this worker's: it must not go either. The lease is not renewed.
    """
    with transaction.atomic(durable=True):
        facts, mine = _look(held, topics, State.SENDING, now)
        verdicts = {one.id: _judge(one, facts, at or now, wall_now) for one in mine}
        called = _accounts_being_called(mine)
        for one in mine:
            if one.account_id in called and _takes_attention(one) and verdicts[one.id] == SENDING:
                verdicts[one.id] = Verdict(State.SKIPPED, reason=Reason.CSM_TASK_OPEN)
        going = [one for one in mine if verdicts[one.id] == SENDING]
        back = [one for one in mine if verdicts[one.id] != SENDING]
        decided.write_requests(held=going, requests=requests)
        decided.write(held=back, verdicts=verdicts, now=now, wall_now=wall_now)
        decided.end_attempts(held=back, code=STOOD_BACK, detail=_STOOD_BACK, wall_now=wall_now)
        _give_back([one for one in back if verdicts[one.id].state != State.ACCEPTED])
    return verdicts


def decide(
    *,
    held: Sequence[Held],
    topics: Mapping[str, ConsentTopic],
    now: datetime,
    wall_now: datetime,
    costs: Mapping[int, Cost] | None = None,
    at: datetime | None = None,
) -> dict[int, Verdict]:
    """Lock, read and judge, in the caller's transaction. What goes has taken its part of the budgets."""
    facts, mine = _look(held, topics, State.CLAIMED, now)
    verdicts = {one.id: _judge(one, facts, at or now, wall_now) for one in mine}
    going = [one for one in mine if verdicts[one.id] == SENDING]
    if not going:
        return verdicts
    purse = spend.open_purse(costs=costs, now=now) if costs and spend.is_limited() else None
    capped = [one for one in going if _takes_attention(one)]
    if purse is not None:
        free = {one.id for one in going} - {one.id for one in capped}
        verdicts.update({one.id: _paid(one, facts, purse, now) for one in going if one.id in free})
    verdicts.update(_take_budgets(capped, facts, purse, now, wall_now))
    if purse is not None:
        purse.store(now=now)
    return verdicts


def _accounts_being_called(held: Sequence[Held]) -> set[int]:
    """Those with an open task: somebody is about to talk to them, so that no offer reaches them meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(_CALLED, {"ids": arrays.numbers({one.account_id for one in held if one.account_id is not None})})
        return {row[0] for row in cursor.fetchall()}


def _takes_attention(one: Held) -> bool:
    return one.purpose == Message.Purpose.MARKETING and one.channel not in UNSEEN


def _give_back(held: Sequence[Held]) -> None:
    if not held:
        return
    budget.give_back(
        message_ids=[one.id for one in held],
        account_ids=[one.account_id for one in held if one.account_id is not None],
        contact_ids=[one.contact_id for one in held],
    )


def _look(
    held: Sequence[Held], topics: Mapping[str, ConsentTopic], state: str, now: datetime
) -> tuple[_Facts, list[Held]]:
    """Lock and read; with those that are still this worker's, in `state`."""
    facts = _lock(held, topics, state)
    mine = [one for one in held if one.id in facts.own]
    facts.proven = evidence.proven_ids(message_ids=[one.id for one in mine if one.attempt > 1])
    facts.accounts = _accounts(mine, now)
    marketing = [one.id for one in mine if one.purpose == Message.Purpose.MARKETING]
    facts.objections = objections.find(message_ids=marketing)
    return facts, mine


def _lock(held: Sequence[Held], topics: Mapping[str, ConsentTopic], state: str) -> _Facts:
    with connection.cursor() as cursor:
        # The one commit that must be on disk before anything happens: a lost SENDING would be sent twice.
        cursor.execute("SET LOCAL synchronous_commit TO on")
        cursor.execute(_SWITCH)
        switch = cursor.fetchone()
        cursor.execute(_OWN, {"ids": arrays.numbers(one.id for one in held), "state": state})
        locked = {(message_id, attempt): _Own(*said) for message_id, attempt, *said in cursor.fetchall()}
    own = {one.id: locked[one.id, one.attempt] for one in held if (one.id, one.attempt) in locked}
    points = ContactPoint.objects.raw(_POINTS, {"ids": arrays.numbers({one.point_id for one in held})})
    locked_points = {point.pk: point for point in points}
    gates = SendGate.objects.raw(_GATES, {"ids": arrays.numbers({one.gate_id for one in held})})
    locked_gates = {gate.pk: gate for gate in gates}
    return _Facts(bool(switch and switch[0]), own=own, points=locked_points, gates=locked_gates, topics=topics)


def _accounts(held: Sequence[Held], now: datetime) -> dict[int, tuple[int, bool]]:
    ids = {one.account_id for one in held if one.account_id is not None}
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, {"ids": arrays.numbers(ids), "now": now})
        return {account_id: (revision, is_red) for account_id, revision, is_red in cursor.fetchall()}


def _judge(one: Held, facts: _Facts, now: datetime, wall_now: datetime) -> Verdict:
    if one.id in facts.proven:
        return Verdict(State.ACCEPTED)
    if facts.own[one.id].taken_back:
        return Verdict(State.SKIPPED, reason=facts.own[one.id].taken_back)
    gate = facts.gates[one.gate_id]
    refused = _refusal(one, gate, facts)
    if refused:
        return Verdict(State.SKIPPED, reason=refused)
    if not facts.is_on or (gate.state == SendGate.State.PAUSED and one.purpose != Message.Purpose.TEST):
        return Verdict(State.READY, next_at=wall_now + HOLD)
    if one.send_by is not None and now > one.send_by:
        return Verdict(State.EXPIRED)
    if one.id in facts.objections:
        return Verdict(State.SKIPPED, reason=facts.objections[one.id])
    if one.purpose == Message.Purpose.MARKETING and _has_changed(one, facts, now):
        return Verdict(State.SKIPPED, reason=Reason.FACTS_CHANGED)
    if one.purpose == Message.Purpose.TEST:
        return SENDING
    if (opens := _opens(one, facts, now)) > now:
        return _later(one, opens, else_as=Verdict(State.EXPIRED))
    is_marketing = one.purpose == Message.Purpose.MARKETING
    if is_marketing and freshness.is_old(context=one.context, planned_at=one.planned_at, now=now):
        return Verdict(State.PLANNED, next_at=wall_now + freshness.HOLD)
    return SENDING


def _opens(one: Held, facts: _Facts, at: datetime) -> datetime:
    own = facts.own[one.id]
    return windows.next_sendable(
        at=at, start=own.window_start, end=own.window_end, place=one.place, channel=one.channel, purpose=one.purpose
    )


def _later(one: Held, due_at: datetime, *, else_as: Verdict) -> Verdict:
    """Put off, unless that is too late: then what `else_as` says."""
    if one.send_by is not None and due_at > one.send_by:
        return else_as
    return Verdict(State.PLANNED, due_at=due_at)


def _has_changed(one: Held, facts: _Facts, now: datetime) -> bool:
    """Whether what it says may no longer be true, or the account is one that nobody sells to now. (A receipt states
    what was, and goes.) Failed payments, notices and urgent tickets are a new revision; a score is not, nor is a day
    that passed; nor is another language, in which there may be a text."""
    until = prices.holds_until(context=one.context)
    if until is not None and now >= until:
        return True
    is_other = content.is_in_other_language(
        version_id=one.template_version_id, channel=one.channel, locale=one.locale, spoken=one.contact["locale"]
    )
    if is_other and not facts.own[one.id].is_sent_again:
        return True
    if one.account_id is None:
        return False
    revision, is_red = facts.accounts.get(one.account_id, (None, False))
    return is_red or revision != one.account_revision


def _refusal(one: Held, gate: SendGate, facts: _Facts) -> str:
    """Why it may not go to this person at all, from the locked rows; empty when it may."""
    if gate.state == SendGate.State.STOPPED and one.purpose != Message.Purpose.TEST:
        return Reason.CAMPAIGN_STOPPED
    point = facts.points[one.point_id]
    topic = topic_of(purpose=one.purpose, topic=gate.topic, topics=facts.topics)
    permission = consent.permission(point=point, topic=topic)
    if permission == consent.GRANTED:
        return ""
    if permission == consent.NO_CONSENT:
        return Reason.NO_CONSENT
    if permission == consent.HELD:
        return Reason.HELD
    return Reason.SUPPRESSED if point.gets_nothing else Reason.OPTED_OUT


def topic_of(*, purpose: str, topic: str, topics: Mapping[str, ConsentTopic]) -> ConsentTopic:
    """A topic that nobody defined is marketing that needs a yes; a receipt or a test is no marketing."""
    if purpose != Message.Purpose.MARKETING:
        return ConsentTopic(slug=topic, is_marketing=False)
    return topics.get(topic) or ConsentTopic(slug=topic)


def _take_budgets(
    held: Sequence[Held], facts: _Facts, purse: Purse | None, now: datetime, wall_now: datetime
) -> dict[int, Verdict]:
    """Verdicts of those that stay back. The account's budget row, once locked, keeps a second worker from writing
    to the account or making a task for it at the same time."""
    if not held:
        return {}
    budgets = budget.lock_budgets(
        account_ids=[one.account_id for one in held if one.account_id is not None],
        contact_ids={contact_id for one in held for contact_id in budget.payers(one, facts.points)},
    )
    called = _accounts_being_called(held)
    back = {one.id: Verdict(State.SKIPPED, reason=Reason.CSM_TASK_OPEN) for one in held if one.account_id in called}
    free = [one for one in held if one.id not in back]
    arbiter = arbitration.find_rivals(held=free, budgets=budgets, now=now, wall_now=wall_now, unseen=UNSEEN)
    for one in arbiter.in_order(free):
        verdict = _attended(one, facts, budgets, arbiter, now)
        if verdict == SENDING and purse is not None:
            verdict = _paid(one, facts, purse, now)
        if verdict == SENDING:
            payers = budget.payers(one, facts.points)
            budgets.take(message_id=one.id, account_id=one.account_id, contact_ids=payers, now=now)
        else:
            back[one.id] = verdict
        arbiter.settle(one, is_going=verdict == SENDING)
    budgets.store()
    return back


def _attended(one: Held, facts: _Facts, budgets: Budgets, arbiter: Arbiter, now: datetime) -> Verdict:
    """Whether the account and the contact have attention left for it, and nothing better to give it to."""
    winner = arbiter.loses_to(one)
    if winner is not None:
        lost = Verdict(State.SKIPPED, reason=Reason.LOST_ARBITRATION, lost_to=winner)
        if settings.ARBITRATION_LOSERS != arbitration.DEFER:
            return lost
        return _put_off(one, facts, now + arbitration.window(), lost)
    if not budgets.caps:
        return SENDING
    allowed = budgets.earliest(
        message_id=one.id,
        account_id=one.account_id,
        contact_ids=budget.payers(one, facts.points),
        now=now,
        zone=one.place.zones[0],
        account_zone=one.account_zone,
    )
    if allowed <= now:
        return SENDING
    return _put_off(one, facts, allowed, Verdict(State.SKIPPED, reason=Reason.CAPPED))


def _paid(one: Held, facts: _Facts, purse: Purse, now: datetime) -> Verdict:
    """A text message that takes its part of the day's budget, or waits for tomorrow's."""
    if purse.can_pay(one.id):
        purse.pay(one.id)
        return SENDING
    return _put_off(one, facts, spend.next_day(now), Verdict(State.SKIPPED, reason=Reason.BUDGET_SPENT))


def _put_off(one: Held, facts: _Facts, until: datetime, else_as: Verdict) -> Verdict:
    """Later, for the reason for which it would be skipped if that is too late."""
    later = _later(one, _opens(one, facts, until), else_as=else_as)
    return replace(later, reason=else_as.reason, lost_to=else_as.lost_to)
