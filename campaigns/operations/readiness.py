"""Is this installation able to work? Facts about the services and the queues, by wall time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import Error, connection
from django.db.models import Max
from redis.exceptions import RedisError

from campaigns.operations.models import TickSlot, WorkerHeartbeat
from orchestrator.jobs import queues

STALE_AFTER_S = 30.0


@dataclass(frozen=True)
class Readiness:
    """Ages are in seconds of wall time; a queue without any worker is missing from `workers`."""

    database: bool
    redis: bool
    workers: dict[str, float]
    beat_age_s: float | None

    @property
    def ok(self) -> bool:
        services = self.database and self.redis
        return services and (not settings.READY_NEEDS_WORKERS or self.moves)

    @property
    def moves(self) -> bool:
        """Whether every queue has a living worker and the timetable is being answered."""
        ages = [self.workers.get(queues.NOW), self.workers.get(queues.BULK), self.beat_age_s]
        return all(age is not None and age <= STALE_AFTER_S for age in ages)


def look(*, wall_now: datetime) -> Readiness:
    redis = _redis_answers()
    try:
        workers = {
            queue: round((wall_now - seen).total_seconds(), 1)
            for queue, seen in WorkerHeartbeat.objects.values_list("queue").annotate(Max("seen_at")).order_by()
        }
        slot = TickSlot.objects.aggregate(Max("slot"))["slot__max"]
    except Error:
        connection.close()
        return Readiness(database=False, redis=redis, workers={}, beat_age_s=None)
    beat_age = round(max(0.0, (wall_now - slot).total_seconds()), 1) if slot else None
    return Readiness(database=True, redis=redis, workers=workers, beat_age_s=beat_age)


def _redis_answers() -> bool:
    try:
        return bool(queues.connection().ping())
    except (RedisError, OSError):
        return False
