"""A vendor's bad day, on purpose and by seed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """BEFORE: nothing was done. The rest: the work was done and the caller is not told properly."""

    RATE_LIMIT = "429"
    BROKEN_BEFORE = "5xx_before"
    BROKEN_AFTER = "5xx_after"
    HANG = "hang"
    RESET = "reset"


class FaultSettingError(ValueError):
    """A fault setting that is unknown or out of range; the message names it."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Shares of requests in [0, 1]; they exclude each other. `lost_events` is the share of reports
    on messages that are never posted. `first` limits the faults to that many requests (0: no limit). Every answer
    takes `latency_s`."""

    rate_429: float = 0.0
    rate_5xx_before: float = 0.0
    rate_5xx_after: float = 0.0
    rate_hang: float = 0.0
    rate_reset: float = 0.0
    lost_events: float = 0.0
    hang_s: float = 12.0
    retry_after_s: int = 1
    latency_s: float = 0.0
    seed: int = 0
    first: int = 0

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> FaultPlan:
        """Raises FaultSettingError."""
        known = {each.name for each in fields(cls)}
        plan = cls()
        for name, value in document.items():
            if name not in known:
                raise FaultSettingError(f"Unknown fault setting {name!r}; known: {', '.join(sorted(known))}.")
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise FaultSettingError(f"{name} must be a number of at least 0, not {value!r}.")
            if (name.startswith("rate_") or name == "lost_events") and value > 1:
                raise FaultSettingError(f"{name} is a share between 0 and 1, not {value!r}.")
            changed: dict[str, Any] = {name: value}
            plan = replace(plan, **changed)
        return plan


class FaultyVendor:
    """Draws one fate per request; the same plan and the same order of requests, the same fates."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.set(FaultPlan())

    def set(self, plan: FaultPlan) -> None:
        with self._lock:
            self.plan = plan
            self.seen = 0
            self.injected: Counter[str] = Counter()
            self._rng = random.Random(f"faults:{plan.seed}")  # noqa: S311 - a simulation

    def draw(self) -> Fault | None:
        with self._lock:
            self.seen += 1
            if self.plan.first and self.seen > self.plan.first:
                return None
            fault = self._pick(self._rng.random())
            if fault:
                self.injected[fault.value] += 1
            return fault

    def loses_event(self) -> bool:
        with self._lock:
            return bool(self.plan.lost_events) and self._rng.random() < self.plan.lost_events

    def _pick(self, draw: float) -> Fault | None:
        for fault, share in (
            (Fault.RATE_LIMIT, self.plan.rate_429),
            (Fault.BROKEN_BEFORE, self.plan.rate_5xx_before),
            (Fault.BROKEN_AFTER, self.plan.rate_5xx_after),
            (Fault.HANG, self.plan.rate_hang),
            (Fault.RESET, self.plan.rate_reset),
        ):
            if draw < share:
                return fault
            draw -= share
        return None
