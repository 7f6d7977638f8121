"""Queue policy. PostgreSQL is the truth; Redis carries bells and may be emptied at any time."""

from __future__ import annotations

from typing import Any

# `now`: everything in a message's path. `bulk`: syncs, rebuilds, snapshots. A worker listens to one of
# them: only then can RQ recover a job whose worker was killed between fetching and starting it.
QUEUE_TIMEOUTS_S = {"now": 60, "bulk": 3600}

# The only job that is ever enqueued: it looks up in campaigns/cron.py what a bell sets off.
BELL_JOB = "campaigns.cron.answer_bell"
BELL_QUEUES = {
    "crm_sync": "bulk",
    "opt_outs_compared": "bulk",
    "api_answers_old": "bulk",
    "snapshots": "bulk",
    "partitions": "bulk",
    "conversions_swept": "bulk",
    "retention": "bulk",
}

# Where jobs may live. Whoever can write to Redis can name any function; only these run.
ALLOWED_JOBS = (r"campaigns\.cron", r"campaigns\.[a-z_]+\.jobs")

RQ = {
    "JOB_CLASS": "orchestrator.jobs.job.AllowListedJob",
    "WORKER_CLASS": "campaigns.operations.worker.BeatingWorker",
    "COMMIT_MODE": "auto",  # bells.ring waits for the commit itself, and survives a Redis that is down then
}


def redis_queues(url: str) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "URL": url,
            "DEFAULT_TIMEOUT": timeout,
            "DEFAULT_RESULT_TTL": 0,
            "SERIALIZER": "rq.serializers.JSONSerializer",
        }
        for name, timeout in QUEUE_TIMEOUTS_S.items()
    }
