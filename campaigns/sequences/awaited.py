"""What is awaited: until the last message of an enrolment has come to its end, what follows it waits (ADR 31).

While it does, the enrolment stands at the following step without a `due_at`. `release_awaited` gives it one when the
message was accepted, or will not go. Others may give it one sooner, to have somebody leave. What follows counts from
the end of the message either way (`settle`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from campaigns.delivery.models import Message
from campaigns.sequences.models import Enrolment, StepRun

BATCH = 20_000

# A message given back because the facts changed is at its end only once it is planned anew, or that is answered.
AWAITED_SQL = """EXISTS (
    SELECT 1
      FROM sequences_steprun run
      JOIN delivery_message message ON message.id = run.message_id
     WHERE run.enrolment_id = enrolment.id
       AND (message.state = ANY(%(open)s)
            OR (message.reason = 'FACTS_CHANGED' AND message.decided_at IS NULL AND NOT EXISTS (
                    SELECT 1 FROM sequences_steprun later
                     WHERE later.enrolment_id = run.enrolment_id AND later.step_key = run.step_key
                       AND later.visit > run.visit))))"""

# Nobody goes on in a paused campaign, so nobody there is looked at. A wait for so long is not looked at before it is
# over; all else is looked at now. `step_entered_at` of who waits for a message is when that was planned, or may go at
# the earliest.
_RELEASE = f"""
WITH free AS (
    SELECT enrolment.id, enrolment.version_id, enrolment.step_key, enrolment.step_entered_at
      FROM sequences_enrolment enrolment
     WHERE enrolment.state = 'OPEN' AND enrolment.due_at IS NULL AND enrolment.step_key <> ''
       AND enrolment.campaign_id IN (SELECT id FROM sequences_campaign WHERE status = 'LIVE')
       AND enrolment.step_entered_at <= %(now)s AND NOT {AWAITED_SQL}
     ORDER BY enrolment.id
     LIMIT %(limit)s
       FOR UPDATE OF enrolment SKIP LOCKED
), over AS (
    SELECT free.id, step.kind = 'WAIT' AND step.condition IS NULL AS is_wait, step.wait,
           GREATEST(free.step_entered_at, max(COALESCE(message.ended_at, message.accepted_at))) AS at
      FROM free
      LEFT JOIN sequences_step step ON step.version_id = free.version_id AND step.key = free.step_key
      LEFT JOIN sequences_steprun run ON run.enrolment_id = free.id
      LEFT JOIN delivery_message message ON message.id = run.message_id
     GROUP BY free.id, free.step_entered_at, step.id
)
UPDATE sequences_enrolment enrolment
   SET step_entered_at = over.at,
       due_at = CASE WHEN over.is_wait THEN over.at + COALESCE(over.wait, interval '0') ELSE over.at END
  FROM over
 WHERE enrolment.id = over.id
"""  # noqa: S608  (the parts are constants)


@dataclass(slots=True)
class Had:
    """`channels`: where we wrote, or meant to. `is_awaited`: one of its messages has not come to its end. `ended_at`:
    when the newest of those that have came to it."""

    channels: set[str] = field(default_factory=set)
    is_awaited: bool = False
    ended_at: datetime | None = None


def read_had(*, enrolment_ids: Sequence[int]) -> dict[int, Had]:
    """By enrolment id, for all of them. One statement."""
    found = {pk: Had() for pk in enrolment_ids}
    newest: dict[tuple[int, str], int] = {}
    given_back: list[tuple[int, str, int]] = []
    rows = StepRun.objects.filter(enrolment_id__any=enrolment_ids).values_list(
        "enrolment_id",
        "step_key",
        "visit",
        "message__channel",
        "message__state",
        "message__reason",
        "message__decided_at",
        "message__ended_at",
    )
    for pk, step_key, visit, channel, state, reason, decided_at, ended_at in rows:
        newest[pk, step_key] = max(visit, newest.get((pk, step_key), 0))
        if not channel:
            continue
        had = found[pk]
        had.channels.add(channel)
        if ended_at is not None and (had.ended_at is None or ended_at > had.ended_at):
            had.ended_at = ended_at
        if state in Message.OPEN:
            had.is_awaited = True
        elif reason == Message.Reason.FACTS_CHANGED and decided_at is None:
            given_back.append((pk, step_key, visit))
    for pk, step_key, visit in given_back:
        found[pk].is_awaited |= newest[pk, step_key] == visit
    return found


def settle(*, enrolments: Iterable[Enrolment], had: Mapping[int, Had]) -> None:
    """Nobody came to their step before their message had come to its end, whoever gave them their time."""
    for row in enrolments:
        known = had[row.pk]
        if not known.is_awaited and known.ended_at is not None:
            row.step_entered_at = max(row.step_entered_at, known.ended_at)


def release_awaited(*, now: datetime) -> int:
    """Let those go on whose message has come to its end; returns how many. One statement for up to BATCH."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"now": now, "open": [state.value for state in Message.OPEN], "limit": BATCH})
        return int(cursor.rowcount)


def await_anew(*, enrolment_ids: Sequence[int]) -> None:
    """A message of theirs is sent again, so that what follows counts from then."""
    rows = Enrolment.objects.filter(pk__in=enrolment_ids, state=Enrolment.State.OPEN).exclude(step_key="")
    rows.update(due_at=None)
