"""One row that cannot be planned stops nobody else: what fails together is tried apart, and what fails alone stands
still, with its reason (`Snag`), until it is tried again."""

from __future__ import annotations

import logging
import traceback
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection
from rq.timeouts import BaseTimeoutException

from campaigns.operations import arrays
from campaigns.sequences.models import Snag

log = logging.getLogger(__name__)

# Nothing is wrong with the rows: the database is away, two workers met, the job's time is over.
NOT_THEIRS = (OperationalError, InterfaceError, BaseTimeoutException)
# Parts that are tried of one batch before what still fails is given up in the parts it has come to.
TRIES = 60
# It is tried again after as long as it has stood still, within these.
SOONEST, LATEST = timedelta(minutes=5), timedelta(hours=1)

_NOTE = """
INSERT INTO sequences_snag AS known (enrolment_id, kind, step_key, detail, since, try_at)
SELECT given.enrolment_id, %(kind)s, given.step_key, given.detail, %(now)s, %(now)s + %(soonest)s * interval '1 second'
FROM unnest(%(ids)s::bigint[], %(steps)s::text[], %(details)s::text[]) AS given (enrolment_id, step_key, detail)
ON CONFLICT (enrolment_id) DO UPDATE
SET kind = excluded.kind, step_key = excluded.step_key, detail = excluded.detail,
    try_at = %(now)s + LEAST(GREATEST(%(now)s - known.since, %(soonest)s * interval '1 second'),
        %(latest)s * interval '1 second')
"""


def act_apart[Item, Done](
    *,
    items: Sequence[Item],
    campaign_of: Callable[[Item], int],
    act: Callable[[Sequence[Item]], Done],
    give_up: Callable[[Sequence[Item], Exception], None],
) -> list[Done]:
    """What `act` answered for the parts it could do, each in a transaction of its own: first campaign by campaign, then
    by halves. Raises what is no fault of the rows."""
    campaigns: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        campaigns[campaign_of(item)].append(item)
    waiting: deque[Sequence[Item]] = deque(campaigns.values())
    done: list[Done] = []
    tries = 0
    while waiting:
        part = waiting.popleft()
        tries += 1
        try:
            done.append(act(part))
        except NOT_THEIRS:
            raise
        except Exception as error:
            if len(part) == 1 or tries >= TRIES:
                give_up(part, error)
            else:
                half = len(part) // 2
                waiting += (part[:half], part[half:])
    return done


@contextmanager
def one_of_many(*, what: str, failed: list[Exception]) -> Iterator[None]:
    """What it does can fail and keep none of the others from theirs; the caller ends with `raise_together`."""
    try:
        yield
    except NOT_THEIRS:
        raise
    except Exception as error:
        log.error("%s failed: %s.", what, describe(error))
        failed.append(error)


def raise_together(failed: Sequence[Exception]) -> None:
    """The job counts as failed, though the others had theirs."""
    if failed:
        raise ExceptionGroup("Some of the work failed.", failed)


def note_fault(*, steps: Mapping[int, str], error: Exception, now: datetime) -> None:
    """`steps` by enrolment id. The words of an error may quote a row: its kind and its place are told."""
    log.error("%s enrolments could not be planned: %s.", len(steps), describe(error))
    details = dict.fromkeys(steps, type(error).__name__)
    note_snags(kind=Snag.Kind.FAULT, steps=steps, details=details, now=now)


def describe(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    way = " < ".join(f"{one.filename.rpartition('/')[2]}:{one.lineno}" for one in reversed(frames[-5:]))
    return f"{type(error).__name__} at {way}"


def note_snags(*, kind: str, steps: Mapping[int, str], details: Mapping[int, str], now: datetime) -> None:
    """Why each of them stands still, by enrolment id; the first time stays `since`."""
    if not steps:
        return
    ids = sorted(steps)
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE,
            {
                "kind": kind,
                "ids": arrays.numbers(ids),
                "steps": [steps[pk] for pk in ids],
                "details": [details[pk][:300] for pk in ids],
                "now": now,
                "soonest": SOONEST.total_seconds(),
                "latest": LATEST.total_seconds(),
            },
        )


def forget_snags(*, enrolment_ids: Sequence[int]) -> None:
    """They moved on."""
    if enrolment_ids:
        Snag.objects.filter(enrolment_id__any=enrolment_ids).delete()
