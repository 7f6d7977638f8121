"""One bad thing at a time, while messages go out. Each returns figures; the tests and the full run judge them."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from redis.exceptions import RedisError

from orchestrator import clock
from tests.faults import chaos
from tests.faults.chaos import Verdict
from tests.faults.stand import LEASE_S, Stand, wait_for

# How many times what a worker has in flight it claims at once (dispatch).
LOADS_IN_A_CLAIM = 4

# For a machine that is busy with something else; nothing here waits that long on one of its own.
PATIENCE_S = 240.0


PAGES = ("/healthz", "/admin/")


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


def settle(stand: Stand, campaign: str, messages: int, *, channel: str = "email") -> Verdict:
    wait_for(lambda: stand.do("finished", campaign=campaign)["finished"], seconds=PATIENCE_S, what=f"{campaign} ended")
    return chaos.count(stand, campaign=campaign, messages=messages, channel=channel)


def frozen(
    stand: Stand,
    *,
    campaign: str,
    messages: int,
    freezes: int,
    at_once: int = 1,
    meanwhile: Callable[[], object] | None = None,
) -> Figures:
    """Workers are stopped in the middle of their calls for three leases, `at_once` of them beside each other, and until
    others have taken over what they had in hand; then they go on as if nothing had been. The stand has more workers."""
    begin(stand, campaign, messages, latency_s=0.3)
    held: list[int] = []
    moved = 0
    while len(held) < freezes:
        reach(stand, campaign, 0.05 + len(held) / (freezes + at_once), messages)
        frozen = _freeze_in_mid_send(stand, min(at_once, freezes - len(held)))
        held += [len(rows) for rows in frozen.values()]
        until = time.monotonic() + 3 * LEASE_S
        if meanwhile is not None:
            meanwhile()
        time.sleep(max(0.0, until - time.monotonic()))
        for pid in frozen:
            wait_for(lambda pid=pid: not chaos.in_hand(stand, pid), seconds=PATIENCE_S, what="its lease is over")  # type: ignore[misc]
        rows = {row: attempt for some in frozen.values() for row, attempt in some.items()}
        before = _rows(stand, list(rows))
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        time.sleep(2)
        after = _rows(stand, list(rows))
        # Another worker's attempt is its own affair.
        moved += sum(1 for row, attempt in rows.items() if before[row] != after[row] and after[row][0] == attempt)
    return Figures(settle(stand, campaign, messages), {"in_hand": held, "past_the_fence": moved})


def _freeze_in_mid_send(stand: Stand, number: int) -> dict[int, dict[int, int]]:
    """So many workers stopped, each with the messages it had begun and not heard about, and the number of its
    attempt."""
    frozen: dict[int, dict[int, int]] = {}
    until = time.monotonic() + PATIENCE_S
    while len(frozen) < number:
        if time.monotonic() > until:
            raise AssertionError("No worker was ever in the middle of a send.")
        for pid in stand.pids("now"):
            if len(frozen) < number and pid not in frozen and (rows := _stop_in_mid_send(stand, pid)):
                frozen[pid] = rows
        time.sleep(0.02)
    return frozen


def _stop_in_mid_send(stand: Stand, pid: int) -> dict[int, int]:
    if not chaos.in_hand(stand, pid):
        return {}
    os.kill(pid, signal.SIGSTOP)
    # Its connection finishes the statement it was in. In the middle of a transaction it keeps its rows locked:
    # nobody takes them over, and what it writes when it wakes is no late finish.
    time.sleep(0.1)
    rows = dict(
        stand.sql(
            "SELECT id, attempt FROM delivery_message WHERE state = 'SENDING' AND claimed_by LIKE %s"
            " FOR UPDATE SKIP LOCKED",
            f"%:{pid}",
        )
    )
    if not rows:
        os.kill(pid, signal.SIGCONT)
    return rows


def _rows(stand: Stand, ids: list[int]) -> dict[int, tuple[int, str]]:
    """Attempt and what the provider called it: only the finish of a send writes that."""
    rows = stand.sql("SELECT id, attempt, provider_id FROM delivery_message WHERE id = ANY(%s)", ids)
    return {row[0]: row[1:] for row in rows}


def paused(
    stand: Stand, *, campaign: str, messages: int, resume: bool, meanwhile: Callable[[], object] | None = None
) -> Figures:
    """Paused (or stopped for good) in the middle; nothing is begun afterwards, only what was begun arrives. `meanwhile`
    is done when it goes on."""
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
    if meanwhile is not None:
        meanwhile()
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


def service_away(
    stand: Stand,
    *,
    service: str,
    campaign: str,
    messages: int,
    seconds: float,
    asked: Sequence[str] = PAGES,
    meanwhile: Callable[[], object] | None = None,
) -> Figures:
    """`redis` or `postgres` is gone for a while in the middle of a run; pages are `asked` for in that time. A second
    campaign is let go when it is back: its first send shows that workers work again. `meanwhile` is done then, while
    leases run out."""
    later, share = f"after-{campaign}", messages // 4
    stand.do("make", campaign=later, messages=share)
    begin(stand, campaign, messages)
    reach(stand, campaign, 0.2, messages)
    with stand.away(service):
        gone_at = time.monotonic()
        time.sleep(0.5)
        pages = {path: stand.page(path) for path in asked}
        time.sleep(max(0.0, seconds - (time.monotonic() - gone_at)))
    returned = time.monotonic()
    probe = _answers if service == "postgres" else _pings
    wait_for(lambda: probe(stand), seconds=PATIENCE_S, what=f"{service} is back", every=0.02)
    back_after = time.monotonic() - returned
    stand.do("open", campaign=later)
    wait_for(lambda: begun(stand, later), seconds=PATIENCE_S, what="sends go on", every=0.02)
    resumed = time.monotonic() - returned - back_after
    wait_for(lambda: stand.page("/readyz")[0] == HTTPStatus.OK, seconds=PATIENCE_S, what="the site is ready")
    if meanwhile is not None:
        meanwhile()
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
    stand: Stand,
    *,
    campaign: str,
    messages: int,
    seconds: float,
    faults: Mapping[str, float],
    channel: str = "email",
    during: Callable[[], object] | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Figures:
    """The provider does this to every call for a while; then all is well again. Its other channel goes on: `during` is
    done in that time, `meanwhile` after it, while what is unknown waits for evidence."""
    stand.do("make", campaign=campaign, messages=messages, channel=channel)
    stand.set_faults(channel=channel, **faults)
    stand.do("open", campaign=campaign)
    until = time.monotonic() + seconds
    with _counting(stand, channel) as calls:
        wait_for(lambda: _opened_at(stand, channel), seconds=PATIENCE_S, what="the breaker opened")
        opened_at = _opened_at(stand, channel)
        if during is not None:
            during()
        time.sleep(max(0.0, until - time.monotonic()))
    lasted = seconds + time.monotonic() - until
    tries = Counter(number for number, _ in stand.sql(_ATTEMPTS, campaign))
    stand.set_faults(channel=channel)
    if meanwhile is not None:
        meanwhile()
    verdict = settle(stand, campaign, messages, channel=channel)
    waited = [float(row[1]) for row in stand.sql(_ATTEMPTS, campaign) if row[1] is not None]
    numbers = {
        "until_it_opened": next((count for at, count in calls if opened_at and at >= opened_at), calls[-1][1]),
        "calls": calls[-1][1],
        "seconds": lasted,
        "tries": dict(tries),
        "soonest_again_s": min(waited, default=None),
        "closed_again": not _opened_at(stand, channel),
    }
    return Figures(verdict, numbers)


# Each attempt, and how long after the answer to the one before it of the same message it began.
_ATTEMPTS = """
SELECT attempt.number, extract(epoch FROM attempt.started_at - lag(attempt.ended_at) OVER (
    PARTITION BY attempt.message_id ORDER BY attempt.number
))
FROM delivery_deliveryattempt attempt JOIN delivery_message message ON message.id = attempt.message_id
WHERE message.origin_campaign = %s
"""


@contextlib.contextmanager
def _counting(stand: Stand, channel: str) -> Iterator[list[tuple[datetime, int]]]:
    """How often the provider had been called, and when; looked at several times a second until the block ends."""
    calls: list[tuple[datetime, int]] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            count = stand.requests(channel)
            calls.append((clock.wall_now(), count))
            is_over.wait(0.3)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield calls
    finally:
        is_over.set()
        looking.join(timeout=60)
        calls.append((clock.wall_now(), stand.requests(channel)))


def _opened_at(stand: Stand, channel: str) -> datetime | None:
    rows = stand.sql("SELECT opened_at FROM delivery_channelhealth WHERE channel = %s", channel)
    return rows[0][0] if rows else None


def capped(stand: Stand, *, campaign: str, accounts: int, per_account: int, workers: int = 8) -> Figures:
    """More messages per account than its cap allows, and eight workers that want to send them all at once."""
    extra = [stand.launch_worker(number) for number in range(workers - stand.workers)]
    try:
        wait_for(
            lambda: stand.sql("SELECT count(*) FROM operations_workerheartbeat WHERE queue = 'now'")[0][0] >= workers,
            seconds=PATIENCE_S,
            what=f"{workers} workers beat",
        )
        messages = accounts * per_account
        begin(stand, campaign, messages, latency_s=0.3, per_account=per_account)
        claimers: set[str] = set()
        while not stand.do("finished", campaign=campaign)["finished"]:
            found = stand.sql(
                "SELECT DISTINCT claimed_by FROM delivery_message WHERE claimed_by <> '' AND origin_campaign = %s",
                campaign,
            )
            claimers |= {row[0] for row in found}
            time.sleep(0.03)
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


def deployed(stand: Stand, *, campaign: str, messages: int, **changes: int) -> Figures:
    """The whole site is asked to end in the middle of a run, and is started again; `changes` are other settings."""
    begin(stand, campaign, messages)
    reach(stand, campaign, 0.2, messages)
    seconds = stand.stop_site()
    [(open_attempts,)] = stand.sql(
        "SELECT count(*) FROM delivery_deliveryattempt attempt JOIN delivery_message message"
        " ON message.id = attempt.message_id WHERE message.origin_campaign = %s AND attempt.outcome = 'STARTED'",
        campaign,
    )
    left = Counter(
        dict(stand.sql("SELECT state, count(*) FROM delivery_message WHERE origin_campaign = %s GROUP BY 1", campaign))
    )
    stand.start_site(**changes)
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
