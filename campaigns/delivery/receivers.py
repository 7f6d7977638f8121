"""How the receivers of webhooks are, each by itself: one that hangs is not to hold up a worker and all the others.

Known to a process only, and only for a while: the rows have every message's own pauses.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

from campaigns.delivery.finish import Answer, Outcome
from campaigns.delivery.shipments import TELL_NOTHING

TRIES = 5
# Between two looks at a receiver that has failed so often in a row.
REST_S = 30.0
_MOST = 1000


class Receiver:
    """Times are monotonic seconds. Shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._next_at = 0.0

    def may_be_called(self, at: float) -> bool:
        """After TRIES failures in a row one call in each REST_S may go: whoever is told yes makes it."""
        with self._lock:
            if self._failures < TRIES:
                return True
            if at < self._next_at:
                return False
            self._next_at = at + REST_S
            return True

    def note(self, answers: Sequence[Answer], at: float) -> None:
        for answer in answers:
            if answer.code in TELL_NOTHING:
                continue
            with self._lock:
                has_answered = answer.outcome in (Outcome.ACCEPTED, Outcome.REFUSED) or answer.code.isdigit()
                self._failures = 0 if has_answered else self._failures + 1
                self._next_at = at + REST_S


def of(address: str) -> Receiver:
    return _receiver(urlsplit(address).netloc.rpartition("@")[2].lower())


@functools.lru_cache(maxsize=_MOST)
def _receiver(host: str) -> Receiver:
    return Receiver()
