"""What the simulated world will do and when, in business time.

A driver moves the business clock in hops; whatever became due meanwhile is done at once, in
order. Deeds of one account share a lane and never overtake each other.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import threading
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

from orchestrator import clock

log = logging.getLogger(__name__)
Deed = Callable[[], object]
PULSE_S = 0.03


class Agenda:
    """Safe to use from any thread. A deed that raises is logged and counted, never repeated."""

    def __init__(self, *, lanes: int = 8) -> None:
        self._heap: list[tuple[datetime, int, str, Deed]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._lanes: list[queue.SimpleQueue[Deed | None]] = [queue.SimpleQueue() for _ in range(lanes)]
        self._busy = 0
        self.done = 0
        self.failed = 0

    def start(self) -> None:
        threading.Thread(target=self._watch, name="sandbox-agenda", daemon=True).start()
        for lane in self._lanes:
            threading.Thread(target=self._work, args=(lane,), name="sandbox-lane", daemon=True).start()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        for lane in self._lanes:
            lane.put(None)

    def add(self, *, at: datetime, lane: str, deed: Deed) -> None:
        with self._lock:
            heapq.heappush(self._heap, (at, next(self._order), lane, deed))
        self._wake.set()

    def forget(self) -> None:
        """Drop everything that has not begun."""
        with self._lock:
            self._heap.clear()

    def due(self, *, within_s: float = 0.0) -> int:
        """Deeds whose time has come, or comes within so many seconds, and which are not finished."""
        now = clock.utcnow() + timedelta(seconds=within_s)
        with self._lock:
            return self._busy + sum(1 for entry in self._heap if entry[0] <= now)

    def next_at(self) -> datetime | None:
        """The time of the earliest deed still to come, due ones included."""
        with self._lock:
            return self._heap[0][0] if self._heap else None

    def size(self) -> int:
        with self._lock:
            return len(self._heap)

    def _watch(self) -> None:
        while not self._stopped:
            now = clock.utcnow()
            with self._lock:
                while self._heap and self._heap[0][0] <= now:
                    _, _, lane, deed = heapq.heappop(self._heap)
                    self._busy += 1
                    self._lanes[zlib.crc32(lane.encode()) % len(self._lanes)].put(deed)
                sleeping = not self._heap
                self._wake.clear()
            self._wake.wait(None if sleeping else PULSE_S)

    def _work(self, lane: queue.SimpleQueue[Deed | None]) -> None:
        while (deed := lane.get()) is not None:
            try:
                deed()
            except Exception:
                self.failed += 1
                log.exception("A deed of the simulated world failed.")
            finally:
                with self._lock:
                    self._busy -= 1
                    self.done += 1
