"""One row that cannot be planned stops nobody else: what fails together is tried apart, and what fails alone stands
still, with its reason (`Snag`), until it is tried again, by then in no one else's company."""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from campaigns.operations import arrays, blame
from campaigns.sequences.models import Snag

log = logging.getLogger(__name__)

# So long may one statement about a batch take. A job has a minute, and what outlives that has done nothing.
STATEMENT_S = 15
# How long what failed together is tried apart, and how many failures one after the other say that nothing will go.
APART_S, IN_A_ROW = 10.0, 60
# What failed before is tried again by itself, in parts of at most so many, for so long at a time.
AGAIN_S, PART = 5.0, 100
# It is tried again after as long as it has stood still, within these.
SOONEST, LATEST = timedelta(minutes=5), timedelta(hours=1)

_NOTE = """
INSERT INTO sequences_snag AS known (enrolment_id, kind, step_key, detail, since, try_at)
SELECT given.enrolment_id, %(kind)s, given.step_key, given.detail, %(now)s,
    CASE WHEN %(at_once)s THEN %(now)s ELSE %(now)s + %(soonest)s * interval '1 second' END
FROM unnest(%(ids)s::bigint[], %(steps)s::text[], %(details)s::text[]) AS given (enrolment_id, step_key, detail)
ON CONFLICT (enrolment_id) DO UPDATE
SET kind = excluded.kind, step_key = excluded.step_key, detail = excluded.detail,
    try_at = CASE WHEN %(at_once)s THEN %(now)s ELSE %(now)s + LEAST(
        GREATEST(%(now)s - known.since, %(soonest)s * interval '1 second'), %(latest)s * interval '1 second') END
"""


def limit_statements() -> None:
    """Until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_S}s'")


def act_apart[Item, Done](
    *,
    items: Sequence[Item],
    campaign_of: Callable[[Item], int],
    act: Callable[[Sequence[Item]], Done],
    give_up: Callable[[Sequence[Item], Exception], None],
) -> list[Done]:
    """What `act` answered for the parts it could do, each in a transaction of its own: first campaign by campaign, then
    by halves. Where nothing of a campaign will go, or the time is over, the rest of it is given up in company, to be
    tried again by `act_again`; what no try was made of is left as it is. Raises what is no fault of the rows."""
    until = time.monotonic() + APART_S
    done: list[Done] = []
    suspects: list[tuple[Sequence[Item], Exception]] = []
    for part in _by_campaign(items, campaign_of):
        if time.monotonic() < until:
            try:
                done.append(act(part))
            except Exception as error:
                if not blame.is_theirs(error):
                    raise
                suspects.append((part, error))
    for suspect, why in suspects:
        if len(suspect) == 1:
            give_up(suspect, why)
            continue
        for left in _divide(_halves(suspect), act, give_up, done, until):
            give_up(left, why)
    return done


def act_again[Item, Done](
    *,
    items: Sequence[Item],
    campaign_of: Callable[[Item], int],
    act: Callable[[Sequence[Item]], Done],
    give_up: Callable[[Sequence[Item], Exception], None],
    seconds: float = AGAIN_S,
) -> tuple[list[Done], bool]:
    """The same for those that failed before, in their order, campaigns in turn: whoever is come to is done, or has
    failed alone. Beside it, whether all were come to.

    Each campaign begins with one of its own, goes on with twice as many as went, and with half of what did not go. So
    the first try of all settles somebody, however little of the time it leaves; and as chance says which campaign
    begins, none waits for the end of another."""
    until = time.monotonic() + seconds
    lines = deque(_Line(group) for group in _by_campaign(items, campaign_of))
    random.shuffle(lines)
    done: list[Done] = []
    while lines and time.monotonic() < until:
        line = lines.popleft()
        part = line.items[: line.size]
        try:
            done.append(act(part))
            line.settle(part, then=min(2 * line.size, PART))
        except Exception as error:
            if not blame.is_theirs(error):
                raise
            if len(part) == 1:
                give_up(part, error)
                line.settle(part, then=1)
            else:
                line.size = len(part) // 2
        if line.items:
            lines.append(line)
    return done, not lines


def read_apart[Item, Found](
    *,
    parts: Iterable[Sequence[Item]],
    read: Callable[[Sequence[Item]], Found],
    instead: Callable[[Sequence[Item]], Found],
) -> Iterator[Found]:
    """What `read` says of each part; behind them, of those that failed, what it says of as much of them as it can be
    done for, as in `act_again`; last what `instead` says of those it failed for, and of whom there was no time for."""
    in_savepoint = transaction.atomic(read)
    failed: list[Item] = []
    for part in parts:
        try:
            found = in_savepoint(part)
        except Exception as error:
            if not blame.is_theirs(error):
                raise
            log.error("%s rows could not be read: %s. They are read apart.", len(part), blame.describe(error))
            failed += part
        else:
            yield found
    done, _is_whole = act_again(
        items=failed,
        campaign_of=lambda _one: 0,
        act=lambda part: (part, in_savepoint(part)),
        give_up=lambda _part, _error: None,
    )
    yield from (found for _part, found in done)
    were_read = {item for part, _found in done for item in part}
    if left := [item for item in failed if item not in were_read]:
        yield instead(left)


@dataclass(slots=True)
class _Line[Item]:
    """What is left of a campaign, and how many of it are tried next."""

    items: list[Item]
    size: int = 1

    def settle(self, part: Sequence[Item], *, then: int) -> None:
        self.items, self.size = self.items[len(part) :], then


def _by_campaign[Item](items: Sequence[Item], campaign_of: Callable[[Item], int]) -> list[list[Item]]:
    campaigns: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        campaigns[campaign_of(item)].append(item)
    return list(campaigns.values())


def _halves[Item](part: Sequence[Item]) -> list[Sequence[Item]]:
    half = len(part) // 2
    return [part[:half], part[half:]]


def _divide[Item, Done](
    parts: Sequence[Sequence[Item]],
    act: Callable[[Sequence[Item]], Done],
    give_up: Callable[[Sequence[Item], Exception], None],
    done: list[Done],
    until: float,
) -> list[Sequence[Item]]:
    """Part after part down to the single ones, so that each is settled before the next is begun. Returns the parts that
    were not come to by `until`, or after too many failures in a row."""
    waiting = list(reversed(parts))
    failures = 0
    while waiting and failures != IN_A_ROW and time.monotonic() < until:
        part = waiting.pop()
        try:
            done.append(act(part))
            failures = 0
        except Exception as error:
            if not blame.is_theirs(error):
                raise
            failures += 1
            if len(part) == 1:
                give_up(part, error)
            else:
                waiting += reversed(_halves(part))
    return waiting


@contextmanager
def one_of_many(*, what: str, failed: list[Exception]) -> Iterator[None]:
    """What it does can fail and keep none of the others from theirs; the caller ends with `raise_together`."""
    try:
        yield
    except Exception as error:
        if not blame.is_theirs(error):
            raise
        log.error("%s failed: %s.", what, blame.describe(error))
        failed.append(error)


def raise_together(failed: Sequence[Exception]) -> None:
    """The job counts as failed, though the others had theirs."""
    if failed:
        raise ExceptionGroup("Some of the work failed.", failed)


def note_fault(*, steps: Mapping[int, str], error: Exception, now: datetime) -> None:
    """`steps` by enrolment id. The words of an error may quote a row: its kind and its place are told. Several that
    failed in company are tried again at once: whose fault it is nobody knows yet."""
    log.error("%s enrolments could not be planned: %s.", len(steps), blame.describe(error))
    details = dict.fromkeys(steps, type(error).__name__)
    note_snags(kind=Snag.Kind.FAULT, steps=steps, details=details, now=now, at_once=len(steps) > 1)


def note_snags(
    *, kind: str, steps: Mapping[int, str], details: Mapping[int, str], now: datetime, at_once: bool = False
) -> None:
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
                "at_once": at_once,
                "soonest": SOONEST.total_seconds(),
                "latest": LATEST.total_seconds(),
            },
        )


def forget_snags(*, enrolment_ids: Sequence[int]) -> None:
    """They moved on."""
    if enrolment_ids:
        Snag.objects.filter(enrolment_id__any=enrolment_ids).delete()
