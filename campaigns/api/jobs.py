from __future__ import annotations

from campaigns.api import idempotency
from orchestrator import clock


def forget_answers(**_kwargs: object) -> None:
    idempotency.forget_answers(wall=clock.wall_now())
