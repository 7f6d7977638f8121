"""What the steps of a campaign ask is asked for a limited time: a slow question holds its own people, and nobody else.

A question that took too long is not asked again for a while by this process, unless for fewer people: each of their
parts would take as long. Those who were held for that are asked about apart from all others and in the end alone, each
time anew: it may be one of them for whom it is slow.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from campaigns.segments import sessions
from campaigns.segments.sessions import SegmentTooSlow

# For one question, and for all of a batch: a job has a minute.
ANSWER_S, ANSWERS_S = 5, 20.0
# So long what took too long is not asked again.
REST_S = 300.0

type Question = tuple[int, str]
"""A version's id and the key of the step that asks."""


class TooSlowError(Exception):
    """The question was not answered in the time it is given, or not asked because of that."""


@dataclass(frozen=True, slots=True)
class _Slow:
    people: int
    until: float


_slow: dict[Question, _Slow] = {}


class Asking:
    """The questions of one batch. `remembers`: what took too long rests. `holds`: those about whom it is asked stand
    still then, instead of failing together."""

    def __init__(self, *, remembers: bool = True, holds: bool = True) -> None:
        self._remembers = remembers
        self.holds = holds
        self._spent = 0.0

    @contextmanager
    def limited(self, *, question: Question, people: int) -> Iterator[None]:
        """Raises TooSlowError, then nothing was changed."""
        began = time.monotonic()
        known = _slow.get(question) if self._remembers else None
        if known is not None and began < known.until and people >= known.people:
            raise TooSlowError(_words())
        if self._spent >= ANSWERS_S:
            raise TooSlowError("other questions of the moment took too long, so that this one was not asked")
        try:
            with sessions.bounded(seconds=ANSWER_S, read_only=False):
                yield
            _slow.pop(question, None)
        except SegmentTooSlow as error:
            if self._remembers:
                _slow[question] = _Slow(people, time.monotonic() + REST_S)
            raise TooSlowError(_words()) from error
        finally:
            self._spent += time.monotonic() - began


def _words() -> str:
    return f"it takes longer than {ANSWER_S} seconds to find out; use shorter windows"
