"""Weeks in minutes: the business clock moves in hops, and after each hop the real processes finish what came due."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from campaigns.analytics import snapshot
from campaigns.cli import switched_off
from campaigns.cli.demo.outside import Outside
from campaigns.cli.demo.waiting import NothingMovesError
from campaigns.delivery import switch
from orchestrator import clock
from orchestrator.jobs import bells

HOP = timedelta(hours=4)
HOPS_A_DAY = 6
SECONDS_AFTER_DELIVERY = 15
PATIENCE_S = 90.0
PAUSE_S = 0.05
# Long enough for what was handed over before the switch; then it is the switch that they wait for.
SWITCH_S = 3.0
RINGING = ("messages_due", "enrolments_due", "feedback_stored", "usage_stored", "conversions_due", "writebacks_due")

OPEN_WORK = """
    SELECT (SELECT count(*) FROM intake_inboundevent WHERE state = 'PENDING'),
           (SELECT count(*) FROM delivery_providerevent WHERE applied_at IS NULL),
           (SELECT count(*) FROM delivery_message WHERE state = 'PLANNED' AND due_at <= %(now)s),
           (SELECT count(*) FROM delivery_message WHERE state IN ('READY', 'CLAIMED', 'SENDING', 'UNKNOWN')),
           (SELECT count(*) FROM sequences_enrolment WHERE state = 'OPEN' AND due_at <= %(now)s),
           (SELECT count(*) FROM offers_quote WHERE state = 'ACCEPTING'),
           (SELECT count(*) FROM crm_writeback WHERE state = 'PENDING' AND next_at <= %(wall_now)s)
"""
NAMES = (
    "events to take in",
    "feedback to apply",
    "messages due",
    "messages on their way",
    "enrolments due",
    "offers being accepted",
    "write-backs due",
)
DUE, ON_THEIR_WAY = NAMES.index("messages due"), NAMES.index("messages on their way")


def pass_days(*, until: datetime, outside: Outside, progress: Callable[[datetime], None]) -> int:
    """Move business time to `until`; returns the number of hops. Raises NothingMovesError."""
    hops = 0
    while (now := clock.utcnow()) < until:
        clock.advance(to=min(until, now + HOP))
        settle(outside=outside)
        if outside.idle(within_s=SECONDS_AFTER_DELIVERY)["due"]:
            # Security software opens links seconds after delivery: a hop of hours would make it look human.
            clock.advance(to=clock.utcnow() + timedelta(seconds=SECONDS_AFTER_DELIVERY))
            settle(outside=outside)
        progress(clock.utcnow())
        hops += 1
        if hops % HOPS_A_DAY == 0:
            snapshot.take_snapshots(now=clock.utcnow())
    return hops


def settle(*, outside: Outside) -> None:
    """Until neither the product nor the simulated people have anything left to do at this moment."""
    for bell in RINGING:
        bells.ring(bell)
    started, rung = time.monotonic(), time.monotonic()
    last: list[int] = []
    quiet = 0
    while quiet < 2:
        work = open_work(now=clock.utcnow())
        sandbox = outside.idle()
        counts = [*work, sandbox["due"], sandbox["posting"]]
        quiet = quiet + 1 if not any(counts) else 0
        if counts != last:
            last, started = counts, time.monotonic()
        still_s = time.monotonic() - started
        if still_s > PATIENCE_S:
            raise NothingMovesError(_stuck(counts))
        if still_s > SWITCH_S and (counts[DUE] or counts[ON_THEIR_WAY]):
            raise_if_off(now=clock.utcnow())
        if time.monotonic() - rung > 0.3 and any(work):
            rung = time.monotonic()
            for bell in RINGING:
                bells.ring(bell)
        time.sleep(PAUSE_S)


def raise_if_off(*, now: datetime) -> None:
    """Messages wait for the switch: no patience helps. Raises NothingMovesError with what to press."""
    if off := switched_off.say(switch.read_standing(), now=now):
        raise NothingMovesError(off)


def open_work(*, now: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(OPEN_WORK, {"now": now, "wall_now": clock.wall_now()})
        return list(cursor.fetchone())


def _stuck(counts: list[int]) -> str:
    names = (*NAMES, "reactions of people", "webhooks of providers")
    waiting = ", ".join(f"{n} {name}" for n, name in zip(counts, names, strict=True) if n)
    return f"Nothing moved for {PATIENCE_S:.0f} seconds: {waiting}. See var/log."
