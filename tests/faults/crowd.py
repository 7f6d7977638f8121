"""Others who take every connection that PostgreSQL has, so that the product gets none."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import psycopg

QUIET_ROUNDS = 5
PATIENCE_S = 60.0
# Ends everybody's connection but the crowd's: they come back, and find no room.
_END_OTHERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND application_name <> 'crowd' AND pid <> pg_backend_pid()
"""


@contextlib.contextmanager
def all_connections(url: str) -> Iterator[None]:
    """Until the block ends. Who loses a connection meanwhile finds it taken."""
    held: list[psycopg.Connection] = []
    is_over = threading.Event()
    try:
        _take_all(url, held)
        keeping = threading.Thread(target=_keep, args=(url, held, is_over), daemon=True)
        keeping.start()
        yield
    finally:
        is_over.set()
        keeping.join()
        for one in held:
            one.close()


def _take_all(url: str, held: list[psycopg.Connection]) -> None:
    """Nobody else has one when this returns."""
    until, quiet = time.monotonic() + PATIENCE_S, 0
    while quiet < QUIET_ROUNDS:
        _take_what_is_free(url, held)
        [ended] = held[0].execute(_END_OTHERS).fetchone() or [0]
        quiet = 0 if ended else quiet + 1
        if time.monotonic() > until:
            raise TimeoutError("Others kept their connections.")


def _take_what_is_free(url: str, held: list[psycopg.Connection]) -> None:
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            held.append(psycopg.connect(url, autocommit=True, application_name="crowd"))


def _keep(url: str, held: list[psycopg.Connection], is_over: threading.Event) -> None:
    while not is_over.wait(0.2):
        _take_what_is_free(url, held)
