"""Look at enrolments before their time because something happened to them; and end those that are through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.consent.models import ConsentRecord
from campaigns.delivery.models import Message
from campaigns.offers.models import Refusal
from campaigns.operations import pulling
from campaigns.profiles import changes
from campaigns.profiles.models import AccountChange
from campaigns.sequences import awaited, eligibility, exits, prune
from campaigns.sequences.models import Campaign, Enrolment, Step

LIMIT = 1000
# Changes of accounts come by the thousand with every import; most of them close no gate.
CHANGES_LIMIT = 10_000
_MAY_CLOSE_A_GATE = frozenset({changes.PLAN_CHANGED, changes.TICKETS_CHANGED})

_COMPLETE = f"""
UPDATE sequences_enrolment enrolment
   SET state = 'ENDED', exit_reason = 'COMPLETED', ended_at = %(now)s
 WHERE enrolment.state = 'OPEN' AND enrolment.step_key = '' AND enrolment.due_at IS NULL
   AND NOT {awaited.AWAITED_SQL}
"""  # noqa: S608  (the part is a constant)


def wake_concerned(*, now: datetime) -> int:
    """Those whose message has come to its end, whose account refused, whose contact opted out, who left the audience,
    whose gate closed, and who wait for a condition while their account changes. The planner then judges them by the
    campaign's `exit_on` and by the condition. Returns how many are to be looked at, now or when their wait is over."""
    woken = released = awaited.release_awaited(now=now)
    while released == awaited.BATCH:
        released = awaited.release_awaited(now=now)
        woken += released
    return woken + _wake_refused(now) + _wake_opted_out(now) + _wake_left(now) + _wake_gated(now)


def complete_finished(*, now: datetime) -> int:
    """End those past their last step once none of their messages can still change. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPLETE, {"now": now, "open": [state.value for state in Message.OPEN]})
        return int(cursor.rowcount)


def _wake_refused(now: datetime) -> int:
    with transaction.atomic():
        cursor = pulling.lock_cursor(name="sequences.refusals")
        rows = pulling.rows_after(rows=Refusal.objects.all(), cursor=cursor, limit=LIMIT)
        pulling.advance_cursor(cursor=cursor, rows=rows)
        return _wake(Q(account_id__in=[row.account_id for row in rows]), rows, now)


def _wake_opted_out(now: datetime) -> int:
    with transaction.atomic():
        cursor = pulling.lock_cursor(name="sequences.opt_outs")
        rows = pulling.rows_after(rows=ConsentRecord.objects.all(), cursor=cursor, limit=LIMIT)
        pulling.advance_cursor(cursor=cursor, rows=rows)
        gone = [row for row in rows if row.state == ConsentRecord.State.WITHDRAWN]
        return _wake(Q(contact_id__in=[row.contact_id for row in gone if row.contact_id]), gone, now)


def _wake_left(now: datetime) -> int:
    left = Q(campaign__status=Campaign.Status.LIVE, entry__stay__left_at__isnull=False)
    left &= exits.leaves_for(reason=Enrolment.Exit.LEFT_SEGMENT)
    return _open().filter(left).exclude(due_at__lte=now).update(due_at=now)


def _wake_gated(now: datetime) -> int:
    """A score that turns red wakes nobody: it is seen when the next step is due. Any change of an account wakes who
    wait for a condition there."""
    with transaction.atomic():
        cursor = pulling.lock_cursor(name=prune.READER_OF_CHANGES)
        rows = pulling.rows_after(rows=AccountChange.objects.all(), cursor=cursor, limit=CHANGES_LIMIT)
        pulling.advance_cursor(cursor=cursor, rows=rows)
        changed = sorted({row.account_id for row in rows if row.kind in _MAY_CLOSE_A_GATE})
        closed = eligibility.closed_gates(account_ids=changed, now=now) if changed else {}
        woken = _wake(Q(account_id__in=list(closed)), list(closed), now)
        return woken + _wake(_asks() & Q(account_id__in={row.account_id for row in rows}), rows, now)


def _wake(concerned: Q, rows: Sequence[object], now: datetime) -> int:
    return _open().filter(concerned).exclude(due_at__lte=now).update(due_at=now) if rows else 0


def _asks() -> Q:
    """On enrolments: it stands at a WAIT for a condition."""
    asking = Step.objects.filter(
        version=OuterRef("version"), key=OuterRef("step_key"), kind=Step.Kind.WAIT, condition__isnull=False
    )
    return Q(Exists(asking))


def _open() -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(state=Enrolment.State.OPEN)
