"""What calls cost and how they were answered, counted in this process."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

# Of CPU, this thread's and its database connection's: other processes of the machine are not meant.
LONGEST_S = 2.0
PEAK, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
counted: Counter[str] = Counter()
most: dict[str, float] = {"slowest answer, s": 0.0, "slowest answer, CPU-s": 0.0, "memory of an answer, MB": 0.0}


@contextmanager
def in_time(*, is_case: bool = True) -> Iterator[None]:
    """No `is_case`: what a case sets off, which must end in time as well."""
    if PEAK.exists():
        PEAK.write_text("5")  # it counts from here
    held = _memory_mb("VmRSS")
    began, cpu = time.perf_counter(), _cpu_s()
    yield
    wall, taken = time.perf_counter() - began, max(_cpu_s() - cpu, 0.0)
    for name, figure in zip(most, (wall, taken, _memory_mb("VmHWM") - held), strict=True):
        most[name] = max(most[name], figure)
    counted["cases"] += is_case
    counted["hangs"] += wall > LONGEST_S
    assert taken < LONGEST_S, f"It took {taken:.1f} s of CPU."


def answered(response: Any, what: object = "") -> int:
    """No failure of ours, whatever came in."""
    status = int(response.status_code)
    counted[f"answers {status // 100}xx"] += 1
    assert status < 500, f"{status} {what}"
    return status


def _memory_mb(kind: str) -> float:
    """VmRSS: what this process holds; VmHWM: the most it held since the peak was last set back."""
    found = re.search(rf"{kind}:\s+(\d+) kB", STATUS.read_text()) if STATUS.exists() else None
    return int(found[1]) / 1024 if found else 0.0


def _cpu_s() -> float:
    taken = time.thread_time()
    if connection.connection is not None and not connection.connection.closed:
        found = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
        taken += int(found.read_text().split()[0]) / 1e9 if found.exists() else 0.0
    return taken


def tell(record: Callable[[str, object], None]) -> None:
    """As properties of a test: what was counted since the last time."""
    for name, number in counted.items():
        record(name, number)
    counted.clear()
    for name, figure in most.items():
        record(f"most: {name}", round(figure, 3))
        most[name] = 0.0
