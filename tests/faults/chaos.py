"""A run: messages go out while processes are killed and services taken away; then it is counted what came of each."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.stand import EVIDENCE_WINDOW_S, Stand, wait_for

# What the provider does to requests: a no it means (429, 500 before), and a yes it does not say.
PROVIDER_FAULTS = {
    "rate_429": 0.01,
    "rate_5xx_before": 0.005,
    "rate_5xx_after": 0.005,
    "rate_reset": 0.003,
    "rate_hang": 0.001,
}
LOOK_EVERY_S = 0.2
# The bar: this long after the evidence window of the last fault every row is final.
SETTLED_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Plan:
    campaign: str
    messages: int
    channel: str = "email"
    policy: str = "both"
    kills: int = 0
    flushes: int = 0
    pg_crashes: int = 0
    redis_kills: int = 0
    cron_kills: int = 0
    opt_outs: float = 0.0
    lost_events: float = 0.0
    fault_scale: float = 1.0
    latency_s: float = 0.02
    seed: int = 1
    patience_s: float = 240.0

    def provider_faults(self) -> dict[str, float]:
        """Shares of requests; `fault_scale` makes up for there being fewer requests of many mails."""
        shares = {name: share * self.fault_scale for name, share in PROVIDER_FAULTS.items()}
        return {**shares, "lost_events": self.lost_events, "latency_s": self.latency_s, "seed": self.seed}

    def faults(self) -> list[str]:
        """In the order in which they come: the same for the same seed."""
        kinds = (
            ["worker"] * self.kills
            + ["flush"] * self.flushes
            + ["postgres"] * self.pg_crashes
            + ["redis"] * self.redis_kills
            + ["cron"] * self.cron_kills
        )
        random.Random(f"faults:{self.seed}").shuffle(kinds)
        return kinds


@dataclass(slots=True)
class Verdict:
    """What became of the messages of one run; the lists hold their uuids, so that each can be looked up."""

    plan: Plan
    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    provider_faults: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    mails: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    doubled_at_most_once: list[str] = field(default_factory=list)
    after_opt_out: list[str] = field(default_factory=list)
    sent_though_skipped: list[str] = field(default_factory=list)
    opted_out: int = 0
    unknown: int = 0
    ever_unknown: int = 0
    unanswered: int = 0
    in_flight_at_faults: int = 0
    most_attempts: int = 0
    seconds: float = 0.0
    settled_after_s: float = 0.0
    finished_lied: int = 0
    memory_before: dict[str, float] = field(default_factory=dict)
    memory_after: dict[str, float] = field(default_factory=dict)
    redis_mb: float = 0.0

    @property
    def undetermined(self) -> int:
        return self.states["UNDETERMINED"]

    @property
    def still_open(self) -> int:
        return sum(self.states[state] for state in ("PLANNED", "READY", "CLAIMED", "SENDING", "UNKNOWN"))


class Run:
    """One campaign through one plan of faults on a stand."""

    def __init__(self, stand: Stand, plan: Plan) -> None:
        self.stand, self.plan = stand, plan
        self.verdict = Verdict(plan)
        self.random = random.Random(f"moments:{plan.seed}")
        self.last_fault = time.monotonic()
        # To look is to count the campaign's rows: seldom where they are many.
        self.look_every_s = max(LOOK_EVERY_S, plan.messages / 200_000)

    def go(self, meanwhile: Callable[[], object] | None = None) -> Verdict:
        """`meanwhile` is done between the last fault and the end, while leases and windows run out."""
        stand, plan = self.stand, self.plan
        stand.do("make", campaign=plan.campaign, messages=plan.messages, channel=plan.channel, policy=plan.policy)
        stand.set_faults(channel=plan.channel, **plan.provider_faults())
        if plan.opt_outs:
            ahead = 400 if stand.batch == 1 else 1500
            stand.do("opt_outs", campaign=plan.campaign, share=plan.opt_outs, seed=plan.seed, ahead=ahead)
        self.verdict.memory_before = stand.memory()
        began = self.last_fault = time.monotonic()
        stand.do("open", campaign=plan.campaign)
        self._break_things()
        if plan.opt_outs:
            stand.do("opt_outs_done", campaign=plan.campaign, stop=True)
        if meanwhile is not None:
            meanwhile()
        self._settle()
        self.verdict.seconds = time.monotonic() - began
        self.verdict.memory_after = stand.memory()
        self.verdict.redis_mb = stand.redis_peak_mb()
        if meanwhile is None:
            self.verdict.provider_faults = stand.provider_faults(plan.channel)
            stand.set_faults(channel=plan.channel)
        return self.count()

    def _break_things(self) -> None:
        """Spread over the run: fault k of n when that share of the messages is through."""
        faults = self.plan.faults()
        moments = [0.02 + 0.93 * (number + self.random.random()) / len(faults) for number in range(len(faults))]
        for kind, moment in zip(faults, moments, strict=True):
            target = self.plan.messages * (1 - moment)
            wait_for(
                lambda target=target: self._open_rows() <= target,  # type: ignore[misc]
                seconds=max(self.plan.patience_s, self.plan.messages / 20),
                what=f"{moment:.0%} of {self.plan.messages} messages through",
                every=self.look_every_s,
            )
            self._inject(kind)
            self.verdict.injected[kind] += 1
            self.last_fault = time.monotonic()

    def _inject(self, kind: str) -> None:
        stand = self.stand
        if kind == "worker":
            self._kill_a_worker()
        elif kind == "flush":
            stand.redis().flushall()
        elif kind == "postgres":
            os.kill(stand.postmaster(), signal.SIGQUIT)
            wait_for(self._is_restarted, seconds=self.plan.patience_s, what="PostgreSQL is back", every=0.05)
            self.verdict.in_flight_at_faults += stand.count("state = 'SENDING'")
        elif kind == "redis":
            os.kill(stand.redis_pid(), signal.SIGKILL)
        elif kind == "cron":
            for pid in stand.pids("cron"):
                os.kill(pid, signal.SIGKILL)

    def _is_restarted(self) -> bool:
        [(seconds,)] = self.stand.sql("SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())")
        return float(seconds) < 60 and self.stand.postmaster() > 0

    def _kill_a_worker(self) -> None:
        """A worker that lives and works, and what it had in flight at that moment."""
        stand = self.stand
        wait_for(lambda: stand.pids("now"), seconds=self.plan.patience_s, what="there is a worker")
        while True:
            pid = self.random.choice(stand.pids("now"))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.05)
        time.sleep(0.05)
        self.verdict.in_flight_at_faults += in_hand(stand, pid)

    def _open_rows(self) -> int:
        """Also asks the product whether it is through: it must say so exactly when no row is open."""
        stand = self.stand
        said = stand.do("finished", campaign=self.plan.campaign)
        self.verdict.finished_lied += said["finished"] != (said["open"] == 0)
        return int(said["open"])

    def _settle(self) -> None:
        until = time.monotonic() + EVIDENCE_WINDOW_S + max(SETTLED_WITHIN_S, self.plan.messages / 50)
        while self._open_rows() and time.monotonic() < until:
            time.sleep(self.look_every_s)
        [(ended,)] = self.stand.sql(
            "SELECT extract(epoch FROM clock_timestamp() - max(ended_at)) FROM delivery_message"
            " WHERE origin_campaign = %s",
            self.plan.campaign,
        )
        self.verdict.settled_after_s = time.monotonic() - self.last_fault - float(ended)

    def count(self) -> Verdict:
        """What became of each message, by the provider's log and the ledger."""
        verdict, slug = self.verdict, self.plan.campaign
        log = self.stand.taken(slug, self.plan.channel)
        taken = Counter(str(line["message"]) for line in log)
        addresses = Counter(line["to"] for line in log)
        rows = self.stand.sql(
            "SELECT message.uuid::text, message.state, message.reason, message.attempt, message.policy,"
            " CASE message.channel WHEN 'email' THEN contact.email ELSE contact.phone END"
            " FROM delivery_message message JOIN profiles_contact contact ON contact.id = message.contact_id"
            " WHERE message.origin_campaign = %s",
            slug,
        )
        verdict.mails = len(log)
        verdict.requests = len({line["provider_id"] for line in log})
        for uuid, state, reason, attempt, policy, address in rows:
            verdict.states[state] += 1
            if reason:
                verdict.reasons[reason] += 1
            verdict.most_attempts = max(verdict.most_attempts, attempt)
            was_taken = taken[uuid] > 0
            if taken[uuid] > 1 or addresses[address] > 1:
                verdict.doubled.append(uuid)
                if policy == "AT_MOST_ONCE":
                    verdict.doubled_at_most_once.append(uuid)
            if not was_taken and state not in ("FAILED", "SKIPPED", "EXPIRED", "UNDETERMINED"):
                verdict.lost.append(uuid)
            if was_taken and state in ("FAILED", "SKIPPED", "EXPIRED"):
                verdict.sent_though_skipped.append(uuid)
        if len(rows) != self.plan.messages or set(taken) - {row[0] for row in rows}:
            verdict.lost.append("rows of the ledger are missing")
        verdict.after_opt_out = [row[0] for row in self.stand.sql(_BEGUN_AFTER_OPT_OUT, slug)]
        [(verdict.opted_out,)] = self.stand.sql(_OPTED_OUT, slug)
        [(verdict.unanswered, verdict.unknown, verdict.ever_unknown)] = self.stand.sql(_UNANSWERED, slug)
        return verdict


_BEGUN_AFTER_OPT_OUT = """
SELECT DISTINCT message.uuid::text
FROM delivery_message message
JOIN faults_begun begun ON begun.message_id = message.id
JOIN consent_consentrecord record ON record.point_id = message.point_id AND record.state = 'WITHDRAWN'
WHERE message.origin_campaign = %s
    AND pg_xact_commit_timestamp(begun.xid::xid) > pg_xact_commit_timestamp(record.xid::xid)
"""

_OPTED_OUT = """
SELECT count(*) FROM delivery_message message
JOIN consent_consentrecord record ON record.point_id = message.point_id AND record.state = 'WITHDRAWN'
WHERE message.origin_campaign = %s
"""

# Undetermined because nobody heard the answer; all whose last answer was not heard or unclear, and any of whose was.
_UNANSWERED = """
SELECT count(DISTINCT message.id) FILTER (
        WHERE message.state = 'UNDETERMINED' AND attempt.number = message.attempt AND attempt.outcome = 'STARTED'
    ),
    count(DISTINCT message.id) FILTER (WHERE attempt.number = message.attempt),
    count(DISTINCT message.id)
FROM delivery_message message
JOIN delivery_deliveryattempt attempt ON attempt.message_id = message.id
WHERE message.origin_campaign = %s AND attempt.outcome IN ('STARTED', 'UNCLEAR')
"""


def in_hand(stand: Stand, pid: int) -> int:
    """Messages that this worker has begun and not heard about."""
    return stand.count("state = 'SENDING' AND claimed_by = %s", f"{socket.gethostname()}:{pid}")


def run(stand: Stand, *, meanwhile: Callable[[], object] | None = None, **plan: Any) -> Verdict:
    return Run(stand, Plan(**plan)).go(meanwhile)


def count(stand: Stand, *, campaign: str, messages: int, channel: str = "email") -> Verdict:
    """The same sums for a campaign that another scenario let go."""
    return Run(stand, Plan(campaign, messages, channel)).count()
