"""What Redis holds while bells are rung as often as a million messages and five million events ring them.

    python benchmarks/bells.py [--bells 20000] [--failing 600]

A bell is rung once for each request that stores something, whatever it holds, and once for each tick. Two processes
ring, a worker answers with jobs that find nothing to do; then `--failing` bells fail. Prints one JSON line: the most
that Redis used (`used_memory`, looked at between slices of a hundred bells) and the keys it held at the end, after the
bells and after those that failed. Uses a Redis number of its own, emptied before and after.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestrator.settings.test"
os.environ.setdefault("CRESCENDO_TEST_DB", "test_benchmark_bells")

import django

django.setup()

from django.test.utils import override_settings  # noqa: E402
from django_rq import get_worker  # noqa: E402

from campaigns import cron  # noqa: E402
from orchestrator.jobs import bells, queues  # noqa: E402

RINGERS = 2
EVERY = 100
RUNG = ("messages_due", "usage_stored", "feedback_stored")


def ring(share: int) -> None:
    for number in range(share):
        bells.ring(RUNG[number % len(RUNG)])


def used_mb(redis: Any) -> float:
    return float(redis.info("memory")["used_memory"]) / 1e6


def answer_until(ended: list[multiprocessing.Process]) -> float:
    """The most Redis used meanwhile in MB."""
    redis, most = queues.connection(), 0.0
    while any(one.is_alive() for one in ended) or queues.open_queue(queues.NOW).count:
        most = max(most, used_mb(redis))
        get_worker(queues.NOW, name="worker").work(burst=True, max_jobs=EVERY)
    return most


def fail(number: int) -> float:
    redis, most = queues.connection(), 0.0
    for _ in range(number // 20):
        for _ in range(20):
            queues.open_queue(queues.NOW).enqueue_call(
                "campaigns.cron.answer_bell", args=("no-such-bell",), failure_ttl=queues.FAILURE_TTL_S, result_ttl=0
            )
        get_worker(queues.NOW, name="worker").work(burst=True)
        most = max(most, used_mb(redis))
    return most


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--bells", type=int, default=20_000)
    arguments.add_argument("--failing", type=int, default=600)
    given = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    cron.BELLS = {**cron.BELLS, **{name: [] for name in RUNG}}  # there is nothing to do
    redis = queues.connection()
    redis.flushdb()
    figures: dict[str, Any] = {"benchmark": "bells", "bells": given.bells, "failing": given.failing}
    figures["redis_mb_before"] = round(used_mb(redis), 2)
    began = time.monotonic()
    with override_settings(DEBUG=False):
        context = multiprocessing.get_context("fork")
        ringers = [context.Process(target=ring, args=(given.bells // RINGERS,)) for _ in range(RINGERS)]
        for one in ringers:
            one.start()
        figures |= {"redis_mb": round(answer_until(ringers), 2), "keys": redis.dbsize()}
        figures |= {"redis_mb_failing": round(fail(given.failing), 2), "keys_failing": redis.dbsize()}
    figures |= {"seconds": round(time.monotonic() - began, 1), "load": round(os.getloadavg()[0], 1)}
    redis.flushdb()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
