"""Whose fault an error is, and how it is told without the words of a row."""

from __future__ import annotations

import traceback

from django.db import InterfaceError, InternalError, OperationalError
from psycopg.errors import QueryCanceled
from rq.timeouts import BaseTimeoutException

# Nothing is wrong with the rows: the database is away or takes nothing now, two workers met, a transaction was broken
# off because its process stood still, the job's time is over.
_NOT_THEIRS = (OperationalError, InterfaceError, InternalError, BaseTimeoutException)


def is_theirs(error: Exception) -> bool:
    """Whether it is the fault of the rows that were at hand; a statement that took too long is."""
    if isinstance(error, OperationalError):
        return isinstance(error.__cause__, QueryCanceled)
    return not isinstance(error, _NOT_THEIRS)


def describe(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    way = " < ".join(f"{one.filename.rpartition('/')[2]}:{one.lineno}" for one in reversed(frames[-5:]))
    return f"{type(error).__name__} at {way}"
