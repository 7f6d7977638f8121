"""Waiting for the real processes to have done their work: by query, with a limit, in words."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE_S = 0.1


class NothingMovesError(TimeoutError):
    """The work stood still for too long: the numbers say where."""


def wait_for(
    count: Callable[[], tuple[int, int]],
    *,
    what: str,
    progress: Callable[[int, int], None] | None = None,
    patience_s: float = 60,
) -> None:
    """Until (done, total) is complete. Patience is measured from the last movement."""
    last_done, still_s = -1, 0.0
    while True:
        done, total = count()
        if progress is not None:
            progress(done, total)
        if done >= total:
            return
        still_s = 0.0 if done != last_done else still_s + PAUSE_S
        if still_s > patience_s:
            raise NothingMovesError(f"Still waiting for {what}: {done} of {total} for {patience_s:.0f} seconds.")
        last_done = done
        time.sleep(PAUSE_S)
