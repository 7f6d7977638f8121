"""The only place that asks the system what time it is.

Two clocks. *Business time* (`utcnow`) rules due times, windows, quotas, periods and
renewals, and is handed down as `now`. *Wall time* (`wall_now`) rules leases, heartbeats,
time-outs and signature tolerances.

Business time = wall time + one offset in seconds, read from the file that the environment
variable CLOCK_OFFSET names, so that every process sees the same business time. Only the
demo and tests move it, and only forward. Without the variable the offset is zero.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path


class ClockMovedBackError(ValueError):
    """Business time only moves forward: rows stamped later than `now` would be unreadable."""


def wall_now() -> datetime:
    return datetime.now(UTC)


def utcnow() -> datetime:
    return wall_now() + _offset()


def going_on(since: datetime) -> Callable[[], datetime]:
    """What time it is in work that was told at its beginning what time it is, and may outlast a lease."""
    began = time.monotonic()
    return lambda: since + timedelta(seconds=time.monotonic() - began)


def advance(*, to: datetime) -> None:
    """Move business time forward for every process that reads the same CLOCK_OFFSET file."""
    path = _offset_path()
    if path is None:
        raise RuntimeError("CLOCK_OFFSET names no file: this deployment's clock cannot be moved.")
    wanted = to - wall_now()
    if wanted < _offset():
        raise ClockMovedBackError(f"Business time is already past {to.isoformat()}.")
    scratch = path.with_suffix(".new")
    scratch.write_text(repr(wanted.total_seconds()))
    scratch.replace(path)


def _offset_path() -> Path | None:
    name = os.environ.get("CLOCK_OFFSET", "")
    return Path(name) if name else None


def _offset() -> timedelta:
    path = _offset_path()
    if path is None:
        return timedelta(0)
    try:
        return timedelta(seconds=float(path.read_text()))
    except FileNotFoundError:
        return timedelta(0)
