"""The programs that make up a running Crescendo."""

from __future__ import annotations

import sys
from pathlib import Path

from campaigns.operations.processes import Program
from orchestrator.jobs import queues

MANAGE = str(Path(__file__).resolve().parents[2] / "manage.py")
# A worker begins anew now and then, so that nothing that grows in its process grows for ever.
JOBS_PER_WORKER = 20_000


def web(*, host: str, port: int, processes: int, environment: dict[str, str]) -> Program:
    options = {
        "--bind": f"{host}:{port}",
        "--worker-class": "gthread",
        "--workers": str(processes),
        "--threads": "8",
        "--timeout": "60",
        "--graceful-timeout": "3",
        "--log-level": "warning",
    }
    # Loaded once, before the processes part: what they do not change they share.
    words = ["--preload", *(word for option in options.items() for word in option)]
    return _ours("web", "web", ["-m", "gunicorn", *words, "orchestrator.wsgi:application"], environment)


def workers(*, count: int, environment: dict[str, str]) -> list[Program]:
    """`count` workers on `now` and one on `bulk`."""
    names = [f"{queues.NOW}-{number}" for number in range(1, count + 1)] + [f"{queues.BULK}-1"]
    return [_worker(name, environment) for name in names]


def cron(*, environment: dict[str, str]) -> Program:
    return _ours("cron", "cron", [MANAGE, "rqcron", "campaigns.cron", "--skip-checks"], environment)


def _worker(name: str, environment: dict[str, str]) -> Program:
    queue = name.partition("-")[0]
    words = ["rqworker", queue, "--max-jobs", str(JOBS_PER_WORKER), "--skip-checks"]
    return _ours(name, "worker", [MANAGE, *words], environment)


def _ours(name: str, kind: str, words: list[str], environment: dict[str, str]) -> Program:
    return Program(name, kind, [sys.executable, *words], environment, is_forked=True)
