"""Repair what a crash or a silent provider left. Four statements, each idempotent; any number may run.

| found | becomes |
|---|---|
| CLAIMED, lease over | READY: nothing had left |
| SENDING, lease over | UNKNOWN: it may have gone. Never READY |
| UNKNOWN, UNDETERMINED or sent again, with evidence, also of another message of its request | ACCEPTED |
| UNKNOWN a whole evidence window, intake alive throughout | at most once: UNDETERMINED; at least once: READY |
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from campaigns.delivery import evidence, gates, watch

_RECLAIM = """
UPDATE delivery_message
SET state = 'READY', next_at = %(wall_now)s, lease_until = NULL, claimed_by = ''
WHERE id IN (
    SELECT id FROM delivery_message
    WHERE state = 'CLAIMED' AND lease_until < %(wall_now)s
    ORDER BY id FOR UPDATE SKIP LOCKED
)
"""

_LAPSE = """
UPDATE delivery_message
SET state = 'UNKNOWN', unknown_at = %(wall_now)s, lease_until = NULL, claimed_by = ''
WHERE id IN (
    SELECT id FROM delivery_message
    WHERE state = 'SENDING' AND lease_until < %(wall_now)s
    ORDER BY id FOR UPDATE SKIP LOCKED
)
"""

# Of what a person had sent again, evidence of the time before counts whatever became of it: it did arrive.
_UNPROVEN = """(
    message.state = 'UNKNOWN' OR (message.state = 'UNDETERMINED' AND message.ended_at > %(late)s)
    OR (message.decided_at > %(late)s AND message.attempt > 0
        AND message.state IN ('PLANNED', 'READY', 'SKIPPED', 'EXPIRED', 'FAILED'))
)"""

_PROVE = f"""
WITH asked AS (
    SELECT message.id FROM delivery_message message WHERE {_UNPROVEN}
), {evidence.REQUESTS_SQL}
UPDATE delivery_message
SET state = 'ACCEPTED', reason = '', accepted_at = %(now)s, ended_at = COALESCE(ended_at, %(now)s),
    unknown_at = NULL, next_at = NULL
WHERE id IN (
    SELECT message.id FROM delivery_message message
    WHERE {_UNPROVEN}
        AND ({evidence.PROOF_SQL.format(message="message")} OR message.id IN (SELECT message_id FROM proven))
    ORDER BY message.id FOR UPDATE OF message SKIP LOCKED
)
"""  # noqa: S608  (the parts are constants)

# Evidence is looked for once more in the statement that gives up: it may have come since the one above.
_GIVE_UP = f"""
WITH asked AS (
    SELECT message.id FROM delivery_message message
    WHERE message.state = 'UNKNOWN' AND message.channel = %(channel)s
        AND GREATEST(message.unknown_at, %(since)s) <= %(limit)s
), {evidence.REQUESTS_SQL}
UPDATE delivery_message AS given_up
SET state = CASE WHEN policy = 'AT_LEAST_ONCE' THEN 'READY' ELSE 'UNDETERMINED' END,
    next_at = CASE WHEN policy = 'AT_LEAST_ONCE' THEN %(wall_now)s::timestamptz END,
    ended_at = CASE WHEN policy = 'AT_LEAST_ONCE' THEN NULL ELSE %(now)s::timestamptz END,
    unknown_at = NULL
WHERE id IN (
    SELECT message.id FROM delivery_message message
    WHERE message.state = 'UNKNOWN' AND message.channel = %(channel)s
        AND GREATEST(message.unknown_at, %(since)s) <= %(limit)s
        AND NOT {evidence.PROOF_SQL.format(message="message")}
        AND message.id NOT IN (SELECT message_id FROM proven)
    ORDER BY message.id FOR UPDATE OF message SKIP LOCKED
)
RETURNING state
"""  # noqa: S608  (the parts are constants)

# How long, in business time, a late report may still turn UNDETERMINED into ACCEPTED.
LATE_EVIDENCE = timedelta(days=7)


def reconcile(*, now: datetime, wall_now: datetime) -> Counter[str]:
    """Run all repairs; counts by the state that messages went into."""
    since = watch.beat(wall_now=wall_now)
    done: Counter[str] = Counter()
    done["READY"] += _run(_RECLAIM, wall_now=wall_now)
    done["UNKNOWN"] += _run(_LAPSE, wall_now=wall_now)
    done["ACCEPTED"] += _run(_PROVE, now=now, late=now - LATE_EVIDENCE)
    for channel, window in evidence_windows().items():
        done += _give_up(channel, window, since, now, wall_now)
    done["SKIPPED"] += gates.skip_stopped(now=now)
    return +done


def release_leases(*, wall_now: datetime) -> int:
    """The first two repairs alone: what dead workers held. Returns how many messages that was."""
    return _run(_RECLAIM, wall_now=wall_now) + _run(_LAPSE, wall_now=wall_now)


def evidence_windows() -> dict[str, timedelta]:
    """How long a provider's report may take, per channel. In-app needs none: its row is the delivery. No
    report comes of a webhook, and none is needed: its receiver knows a repeat."""
    return {
        "email": timedelta(seconds=settings.EVIDENCE_WINDOW_EMAIL_S),
        "sms": timedelta(seconds=settings.EVIDENCE_WINDOW_SMS_S),
        "webhook": timedelta(0),
    }


def _give_up(channel: str, window: timedelta, since: datetime, now: datetime, wall_now: datetime) -> Counter[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        params: dict[str, Any] = {
            "channel": channel,
            "since": since,
            "limit": wall_now - window,
            "now": now,
            "wall_now": wall_now,
        }
        cursor.execute(_GIVE_UP, params)
        return Counter(row[0] for row in cursor.fetchall())


def _run(statement: str, **params: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount
