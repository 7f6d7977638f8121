"""One bad thing at a time, while messages go out. Each returns figures; the tests and the full run judge them."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from redis.exceptions import RedisError

from tests.faults import chaos
from tests.faults.chaos import Verdict
from tests.faults.stand import LEASE_S, Stand, wait_for

# How many times what a worker has in flight it claims at once (dispatch).
LOADS_IN_A_CLAIM = 4

PATIENCE_S = 90.0


@dataclass(slots=True)
class Figures:
    """`verdict` counts the campaign's messages, `numbers` what the scenario itself measured."""

    verdict: Verdict
    numbers: dict[str, Any] = field(default_factory=dict)


def begin(stand: Stand, campaign: str, messages: int, *, latency_s: float = 0.1, **made: Any) -> None:
    stand.do("make", campaign=campaign, messages=messages, **made)
    stand.set_faults(latency_s=latency_s)
    stand.do("open", campaign=campaign)


def reach(stand: Stand, campaign: str, share: float, messages: int) -> None:
    """Until this share of the messages has been begun."""
    wait_for(
        lambda: begun(stand, campaign) >= share * messages,
        seconds=PATIENCE_S,
        what=f"{share:.0%} of {campaign} under way",
        every=0.02,
    )


def begun(stand: Stand, campaign: str) -> int:
    [(number,)] = stand.sql(
        "SELECT count(*) FROM faults_begun JOIN delivery_message message ON message.id = message_id"
        " WHERE message.origin_campaign = %s",
        campaign,
    )
    return int(number)


def settle(stand: Stand, campaign: str, messages: int) -> Verdict:
    wait_for(lambda: stand.do("finished", campaign=campaign)["finished"], seconds=PATIENCE_S, what=f"{campaign} ended")
    return chaos.count(stand, campaign=campaign, messages=messages)


def frozen(
    stand: Stand, *, campaign: str, messages: int, freezes: int, meanwhile: Callable[[], object] | None = None
) -> Figures:
    """A worker is stopped in the middle of its calls for three leases, then goes on as if nothing had been."""
    begin(stand, campaign, messages, latency_s=0.3)
    held: list[int] = []
    moved = 0
    for number in range(freezes):
        reach(stand, campaign, 0.05 + number / (freezes + 1), messages)
        pid, rows = _freeze_in_mid_send(stand)
        held.append(len(rows))
        until = time.monotonic() + 3 * LEASE_S
        if meanwhile is not None:
            meanwhile()
        time.sleep(max(0.0, until - time.monotonic()))
        before = _rows(stand, rows)
        os.kill(pid, signal.SIGCONT)
        time.sleep(2)
        after = _rows(stand, rows)
        moved += sum(1 for row in rows if before[row] != after[row] and before[row][0] == after[row][0])
    return Figures(settle(stand, campaign, messages), {"in_hand": held, "past_the_fence": moved})


def _freeze_in_mid_send(stand: Stand) -> tuple[int, list[int]]:
    """The worker stopped, and the messages it had begun and not heard about."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for pid in stand.pids("now"):
            if not chaos.in_hand(stand, pid):
                continue
            os.kill(pid, signal.SIGSTOP)
            # Its connection finishes the statement it was in.
            time.sleep(0.1)
            rows = [
                row[0]
                for row in stand.sql(
                    "SELECT id FROM delivery_message WHERE state = 'SENDING' AND claimed_by LIKE %s", f"%:{pid}"
                )
            ]
            if rows:
                return pid, rows
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)
    raise AssertionError("No worker was ever in the middle of a send.")


def _rows(stand: Stand, ids: list[int]) -> dict[int, tuple[int, str]]:
    """Attempt and what the provider called it: only the finish of a send writes that."""
    rows = stand.sql("SELECT id, attempt, provider_id FROM delivery_message WHERE id = ANY(%s)", ids)
    return {row[0]: row[1:] for row in rows}


def paused(stand: Stand, *, campaign: str, messages: int, resume: bool) -> Figures:
    """Paused (or stopped for good) in the middle; nothing is begun afterwards, only what was begun arrives."""
    begin(stand, campaign, messages)
    reach(stand, campaign, 0.2, messages)
    stand.do("pause" if resume else "stop", campaign=campaign)
    [(at, late)] = stand.sql(_BEGUN_SINCE, campaign)
    time.sleep(1.5)
    [(_, later)] = stand.sql(_BEGUN_SINCE, campaign)
    arrived = sum(1 for line in stand.taken(campaign) if datetime.fromisoformat(line["at"]) > at)
    waiting = stand.count("origin_campaign = %s AND state IN ('PLANNED', 'READY', 'CLAIMED')", campaign)
    if resume:
        stand.do("open", campaign=campaign)
    verdict = settle(stand, campaign, messages)
    return Figures(verdict, {"begun_after": late + later, "arrived_after": arrived, "waited": waiting})


# The newest change of the gate is the pause: its commit against those of the sends.
_BEGUN_SINCE = """
SELECT pg_xact_commit_timestamp(gate.xmin), count(*) FILTER (
    WHERE pg_xact_commit_timestamp(begun.xid::xid) > pg_xact_commit_timestamp(gate.xmin)
)
FROM delivery_sendgate gate
JOIN delivery_message message ON message.gate_id = gate.id
JOIN faults_begun begun ON begun.message_id = message.id
WHERE gate.slug = %s
GROUP BY gate.xmin
"""


def service_away(stand: Stand, service: str, *, campaign: str, messages: int, seconds: float) -> Figures:
    """`redis` or `postgres` is gone for a while in the middle of a run; pages are asked for meanwhile. A second
    campaign is let go when it is back: its first send shows that workers work again."""
    later, share = f"after-{campaign}", messages // 4
    stand.do("make", campaign=later, messages=share)
    begin(stand, campaign, messages)
    reach(stand, campaign, 0.2, messages)
    with stand.away(service):
        gone_at = time.monotonic()
        time.sleep(0.5)
        pages = {path: stand.page(path) for path in ("/healthz", "/admin/")}
        time.sleep(max(0.0, seconds - (time.monotonic() - gone_at)))
    returned = time.monotonic()
    probe = _answers if service == "postgres" else _pings
    wait_for(lambda: probe(stand), seconds=30, what=f"{service} is back", every=0.02)
    back_after = time.monotonic() - returned
    stand.do("open", campaign=later)
    wait_for(lambda: begun(stand, later), seconds=60, what="sends go on", every=0.02)
    resumed = time.monotonic() - returned - back_after
    wait_for(lambda: stand.page("/readyz")[0] == HTTPStatus.OK, seconds=60, what="the site is ready")
    second = settle(stand, later, share)
    numbers = {
        "pages": pages,
        "back_after_s": back_after,
        "resumed_after_s": resumed,
        "second_is_whole": second.mails == share and not second.doubled,
    }
    return Figures(settle(stand, campaign, messages), numbers)


def _answers(stand: Stand) -> bool:
    return bool(stand.sql("SELECT 1"))


def _pings(stand: Stand) -> bool:
    try:
        return bool(stand.redis().ping())
    except RedisError:
        return False


def bad_day(
    stand: Stand, *, campaign: str, messages: int, seconds: float, meanwhile: Callable[[], object] | None = None
) -> Figures:
    """The provider answers 500 to everything for a while, and took nothing; then all is well again."""
    stand.do("make", campaign=campaign, messages=messages)
    stand.set_faults(rate_5xx_before=1.0)
    stand.do("open", campaign=campaign)
    calls: list[int] = []
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        calls.append(stand.requests())
        time.sleep(0.5)
    tries = stand.sql(
        "SELECT attempt.number, count(*) FROM delivery_deliveryattempt attempt JOIN delivery_message message"
        " ON message.id = attempt.message_id WHERE message.origin_campaign = %s GROUP BY 1",
        campaign,
    )
    stand.set_faults()
    if meanwhile is not None:
        meanwhile()
    verdict = settle(stand, campaign, messages)
    # The first look that finds no more calls than the one before: from there on it is open.
    opened = next((count for before, count in pairwise(calls) if count == before > 0), max(calls))
    numbers = {"until_it_opened": opened, "calls": max(calls), "seconds": seconds, "tries": dict(tries)}
    return Figures(verdict, numbers)


def capped(stand: Stand, *, campaign: str, accounts: int, per_account: int, workers: int = 8) -> Figures:
    """More messages per account than its cap allows, and eight workers that want to send them all at once."""
    extra = [stand.launch_worker(number) for number in range(workers - stand.workers)]
    try:
        wait_for(
            lambda: stand.sql("SELECT count(*) FROM operations_workerheartbeat WHERE queue = 'now'")[0][0] >= workers,
            seconds=60,
            what=f"{workers} workers beat",
        )
        messages = accounts * per_account
        begin(stand, campaign, messages, latency_s=0.3, per_account=per_account)
        claimers: set[str] = set()
        while not stand.do("finished", campaign=campaign)["finished"]:
            found = stand.sql("SELECT DISTINCT claimed_by FROM delivery_message WHERE claimed_by <> ''")
            claimers |= {row[0] for row in found}
        verdict = settle(stand, campaign, messages)
    finally:
        for one in extra:
            one.terminate()
        for one in extra:
            one.wait(timeout=30)
    owner = {
        str(uuid): account
        for uuid, account in stand.sql(
            "SELECT uuid, account_id FROM delivery_message WHERE origin_campaign = %s", campaign
        )
    }
    sent = Counter(owner[line["message"]] for line in stand.taken(campaign))
    numbers = {"accounts": accounts, "written_to": len(sent), "most": max(sent.values()), "at_work": len(claimers)}
    return Figures(verdict, numbers)


def deployed(stand: Stand, *, campaign: str, messages: int) -> Figures:
    """The whole site is asked to end in the middle of a run, and is started again."""
    begin(stand, campaign, messages)
    reach(stand, campaign, 0.2, messages)
    seconds = stand.stop_site()
    [(open_attempts,)] = stand.sql(
        "SELECT count(*) FROM delivery_deliveryattempt attempt JOIN delivery_message message"
        " ON message.id = attempt.message_id WHERE message.origin_campaign = %s AND attempt.outcome = 'STARTED'",
        campaign,
    )
    left = Counter(dict(stand.sql("SELECT state, count(*) FROM delivery_message GROUP BY 1")))
    stand.start_site()
    verdict = settle(stand, campaign, messages)
    numbers = {
        "seconds": seconds,
        "unanswered": open_attempts,
        "unknown": left["UNKNOWN"] + left["SENDING"],
        "still_to_go": left["READY"] + left["CLAIMED"],
    }
    return Figures(verdict, numbers)


def most_in_flight(stand: Stand) -> int:
    """Messages that all its workers together may have handed to the provider at one moment."""
    at_once = max(stand.in_flight * LOADS_IN_A_CLAIM, stand.batch) if stand.batch > 1 else stand.in_flight
    return stand.workers * at_once
