"""What bells set off. Where there is more than a batch, another worker is rung for while this one goes on."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from campaigns.operations import one_at_a_time, retention
from campaigns.operations.one_at_a_time import Hold
from campaigns.sequences import advance as advancing
from campaigns.sequences import (
    brake,
    enrol_again,
    enrol_events,
    figures,
    planning_apart,
    prune,
    replan,
    wake,
)
from campaigns.sequences import enrol as enrolling
from campaigns.sequences.counts import Counts
from campaigns.sequences.enrol_again import Place
from orchestrator import clock
from orchestrator.jobs import bells

log = logging.getLogger(__name__)

# A job is killed after a minute; what is left then is the next one's. Nothing is begun after so long: a batch that has
# to be tried apart may take twice that.
ADVANCE_S = 20.0
LOOK_S = 10.0
RENEW_S = 5.0


def enrol(**_kwargs: object) -> None:
    """Take in those who came into the audiences of live campaigns, or to whom what brings them in happened."""
    now = clock.utcnow()
    counts = Counts()
    failed: list[Exception] = []
    with planning_apart.one_of_many(what="Reading the audiences", failed=failed):
        for read, pulled in enrolling.pull_batches(now=now):
            counts.add(pulled)
            if read == enrolling.BATCH:
                bells.ring("audience_changed")
                bells.ring("messages_due")
    with planning_apart.one_of_many(what="Reading the events", failed=failed):
        counts.add(enrol_events.enrol_happened(now=now))
    if counts.enrolled:
        log.info("%s accounts were enrolled, %s held out.", counts.enrolled, counts.holdout)
        bells.ring("messages_due")
    planning_apart.raise_together(failed)


def look_again(**_kwargs: object) -> None:
    """Take in who was kept out of a live campaign and is no longer. What is left of the round is the next job's, also
    when this one fails: the round has gone on before, so that it comes to its end however many do."""
    now, until = clock.utcnow(), time.monotonic() + LOOK_S
    failed: list[Exception] = []
    is_left = False
    try:
        with one_at_a_time.claim(name="second look") as hold:
            while hold is not None and time.monotonic() < until and hold.is_mine():
                place = enrol_again.go_on()
                is_left = place is not None
                if place is None:
                    break
                _look_there(place, failed, now)
    finally:
        # Not before: the other worker would find it claimed.
        if is_left:
            bells.ring("kept_out_due")
    planning_apart.raise_together(failed)


def _look_there(place: Place, failed: list[Exception], now: datetime) -> None:
    counts = enrol_again.look_there(place=place, failed=failed, now=now)
    if counts.enrolled:
        log.info("%s accounts were enrolled at a second look, %s held out.", counts.enrolled, counts.holdout)
        bells.ring("messages_due")


def end_look(**_kwargs: object) -> None:
    """Go on with a round whose job was killed, or hangs, and rang for no other."""
    if enrol_again.is_broken_off():
        look_again()


def advance(**_kwargs: object) -> None:
    """End who is through, and move whose time has come."""
    now, until = clock.utcnow(), time.monotonic() + ADVANCE_S
    failed: list[Exception] = []
    for act in (_wake, _complete, _renew, _plan_anew):
        if time.monotonic() < until:
            with planning_apart.one_of_many(what=act.__name__, failed=failed):
                act(now)
    with planning_apart.one_of_many(what=advance_many.__name__, failed=failed):
        _advance_until(until, now)
    planning_apart.raise_together(failed)


def try_again(**_kwargs: object) -> None:
    """Those that stood still for a reason; in a job of its own, so that they and the others take each other no time.
    Its bell rings again while it runs; one worker is enough."""
    with one_at_a_time.claim(name="lane of the failed") as hold:
        if hold is not None:
            _try_again(hold)


def _try_again(hold: Hold) -> None:
    """Another at it does no harm: each part locks its rows, and leaves out what others hold or have done."""
    now = clock.utcnow()
    failed: list[Exception] = []
    for again in (_renew_again, _plan_again, _advance_again):
        if not hold.is_mine():
            break
        with planning_apart.one_of_many(what=again.__name__, failed=failed):
            if again(now):
                bells.ring("messages_due")
    planning_apart.raise_together(failed)


def _wake(now: datetime) -> None:
    wake.wake_concerned(now=now)


def _complete(now: datetime) -> None:
    wake.complete_finished(now=now)


def _renew(now: datetime) -> None:
    until = time.monotonic() + RENEW_S
    while figures.renew_waiting(now=now) == figures.BATCH and time.monotonic() < until:
        pass


def _renew_again(now: datetime) -> int:
    return figures.renew_again(now=now)


def _plan_anew(now: datetime) -> None:
    until = time.monotonic() + RENEW_S
    while (planned := replan.plan_fresh(now=now)) and time.monotonic() < until:
        bells.ring("messages_due")
        if planned < replan.BATCH:
            break


def _plan_again(now: datetime) -> int:
    return replan.plan_again(now=now)


def _advance_again(now: datetime) -> int:
    return advancing.advance_again(now=now).planned


def advance_many(**_kwargs: object) -> None:
    """Move whose time has come, batch by batch for a while, beside any other worker that does the same."""
    _advance_until(time.monotonic() + ADVANCE_S, clock.utcnow())


def _advance_until(until: float, now: datetime) -> None:
    """Another job is rung for as soon as there is more than this one comes to."""
    looked_at = advancing.BATCH
    while looked_at == advancing.BATCH:
        if time.monotonic() >= until:
            bells.ring("many_enrolments_due")
            break
        done = advancing.advance_batch(now=now, size=advancing.BATCH)
        looked_at = done.looked_at
        if looked_at == advancing.BATCH:
            bells.ring("many_enrolments_due")
        if done.planned:
            bells.ring("messages_due")


def brake_unwelcome(**_kwargs: object) -> None:
    """Pause campaigns that too many readers complain about, or whose texts the networks hold back."""
    paused = brake.pause_unwelcome(now=clock.utcnow())
    if paused:
        log.warning("%s campaigns were paused because they are unwelcome: %s.", len(paused), ", ".join(paused))


def prune_old(**_kwargs: object) -> None:
    now = clock.utcnow()
    retention.tell(
        log=log, taken={"messages": prune.remove_messages(now=now), "changes": prune.remove_changes(now=now)}
    )
