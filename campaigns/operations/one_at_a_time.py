"""What only one process does at a time, over several transactions. Who comes second leaves it to the first.

A lease in a row, on wall time. A lock of the session would outlive a process that is frozen between two transactions,
or whose machine is gone: PostgreSQL ends only sessions that hang inside of one. No job lives longer than its lease, so
that it need not be renewed; a process that was frozen for longer asks before it goes on (`Hold.is_mine`).
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from django.db import Error, connection
from django.db.models import QuerySet

from campaigns.operations.models import Lease
from orchestrator import clock
from orchestrator.jobs.worker import WATCHDOG_GRACE_S
from orchestrator.settings.queues import QUEUE_TIMEOUTS_S

log = logging.getLogger(__name__)

# After as long the watchdog ends whoever works on `now`.
LONGEST = timedelta(seconds=QUEUE_TIMEOUTS_S["now"] + WATCHDOG_GRACE_S)

# One that ends later than any begun now was taken before the clock was set back: it would stand until then.
_TAKE = """
INSERT INTO operations_lease AS lease (name, holder, until) VALUES (%(name)s, %(holder)s, %(until)s)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE lease.holder = '' OR lease.until <= %(now)s OR lease.until > %(too_far)s
RETURNING coalesce(old.holder, '')
"""


@dataclass(frozen=True, slots=True)
class Hold:
    """Of a lease."""

    name: str
    holder: str

    def is_mine(self) -> bool:
        """Whether nobody has taken it over, nor may by now: to be asked before each part of the work."""
        return self._row().filter(until__gt=clock.wall_now()).exists()

    def let_go(self) -> None:
        """Where the database is away it runs out by itself."""
        with suppress(Error):
            self._row().update(holder="")

    def _row(self) -> QuerySet[Lease]:
        return Lease.objects.filter(name=self.name, holder=self.holder)


@contextmanager
def claim(*, name: str) -> Iterator[Hold | None]:
    """The lease, until this ends; None while somebody else has it, who may have died less than `LONGEST` ago."""
    hold = _take(name)
    try:
        yield hold
    finally:
        if hold is not None:
            hold.let_go()


def _take(name: str) -> Hold | None:
    now = clock.wall_now()
    hold = Hold(name, f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:12]}")
    ends = {"until": now + LONGEST, "too_far": now + 2 * LONGEST}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"name": name, "holder": hold.holder, "now": now, **ends})
        taken = cursor.fetchone()
    if taken is None:
        return None
    if taken[0]:
        log.warning("The %s is taken over from %s, which has not ended it: it was killed, or hangs.", name, taken[0])
    return hold
