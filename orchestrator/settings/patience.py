"""How long PostgreSQL waits for a process of ours: limits of its sessions, by what the process is.

A process that is frozen or hangs between two statements of a transaction holds its locks until PostgreSQL gives up on
it. That is after as long as a lease (`DELIVERY_LEASE_S`): then others take its messages, and by then its locks must be
free; never sooner than half a minute, which is long for work between two statements on a busy machine. Who waits for a
lock waits a little longer than that, so that an opt-out outlasts a worker that is stuck.
"""

from __future__ import annotations

import sys

from orchestrator.settings.campaigns import DELIVERY_LEASE_S
from orchestrator.settings.environment import env_int
from orchestrator.settings.logs import process_name
from orchestrator.settings.queues import QUEUE_TIMEOUTS_S

# Less than the minute after which gunicorn calls a worker dead.
WEB_STATEMENT_S = 50
LEAST_IDLE_S = 30
LONGER_THAN_IDLE_S = 5


def session_limits() -> dict[str, int]:
    """Seconds by PostgreSQL's name of the limit, 0 for none; empty for commands that a person runs, migrations among
    them, and the timetable. No statement outlives the job or the request that wants its answer."""
    statement_s = _statement_s()
    return {} if statement_s is None else _limits(statement_s)


def worker_limits() -> dict[str, int]:
    """Those of a worker on `now`, whatever this process is."""
    return _limits(QUEUE_TIMEOUTS_S["now"])


def _limits(statement_s: int) -> dict[str, int]:
    idle_s = env_int("DATABASE_IDLE_IN_TRANSACTION_S", max(DELIVERY_LEASE_S, LEAST_IDLE_S))
    return {
        "idle_in_transaction_session_timeout": idle_s,
        "lock_timeout": env_int("DATABASE_LOCK_S", idle_s + LONGER_THAN_IDLE_S if idle_s else 0),
        "statement_timeout": env_int("DATABASE_STATEMENT_S", statement_s),
    }


def as_options(limits: dict[str, int]) -> str:
    """As libpq's `options` wants them."""
    return " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())


def _statement_s() -> int | None:
    if "rqworker" in sys.argv:
        return max((QUEUE_TIMEOUTS_S.get(word, 0) for word in sys.argv), default=0) or max(QUEUE_TIMEOUTS_S.values())
    return WEB_STATEMENT_S if process_name().partition("-")[0] == "web" else None
