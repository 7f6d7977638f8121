"""Our opt-outs on the providers' own lists. The entry is written with the opt-out, told by a job, then marked.

No address is kept for it: it is looked up at the contact who has it now. One that nobody has any more (erased, or never
a contact's) is not told: nothing of ours goes there, and a provider is no place to keep whom we were to forget.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched, product
from typing import Any

from django.conf import settings
from django.db import connection

from campaigns.consent.models import ContactPoint, ListEntry
from campaigns.profiles.models import Contact
from orchestrator import clock
from orchestrator.channels import suppressions
from orchestrator.channels.contract import ChannelError, Refusal
from orchestrator.channels.suppressions import SuppressionList

log = logging.getLogger(__name__)

BATCH = 1000
# Some providers take each of them off by two requests of its own.
BATCH_BACK = 2
# Longer than a slow call takes: six requests, with those that find the list. What a killed worker held is taken up
# after it.
LEASE = timedelta(seconds=75)
# A round takes no entries after that; what is left is the next one's.
LONGEST_ROUND = timedelta(seconds=30)
FIRST_RETRY_S = 30
LONGEST_RETRY_S = 3600
# About three days of hourly tries once the first hour is over.
MAX_ATTEMPTS = 75
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)  # due by any clock
_NOBODY = "Nobody has the address any more: there is nothing to tell."
# A dead mailbox is on the provider's list by itself. Somebody erased is not told of to anybody.
_SAID_BY_A_PERSON = (
    ContactPoint.Reason.UNSUBSCRIBED.value,
    ContactPoint.Reason.OBJECTED.value,
    ContactPoint.Reason.COMPLAINED.value,
)
_COLUMNS = {"email": ("email_hash", "email"), "sms": ("phone_hash", "phone")}

_NOTE = """
INSERT INTO consent_listentry AS entry
    (point_id, is_wanted, version, state, attempts, next_at, changed_at, done_at, last_error)
SELECT point.id, point.is_blocked, 1, 'PENDING', 0, %(at_once)s, %(now)s, NULL, ''
FROM consent_contactpoint point
LEFT JOIN consent_listentry known ON known.point_id = point.id
WHERE point.id = ANY(%(ids)s) AND point.channel = ANY(%(channels)s)
    AND (known.id IS NOT NULL OR (point.is_blocked AND point.reason = ANY(%(said)s)))
ORDER BY point.id
ON CONFLICT (point_id) DO UPDATE
SET is_wanted = EXCLUDED.is_wanted, version = entry.version + 1, state = 'PENDING', attempts = 0,
    next_at = EXCLUDED.next_at, changed_at = EXCLUDED.changed_at, done_at = NULL, last_error = ''
WHERE entry.is_wanted <> EXCLUDED.is_wanted
"""

# The first are named before anything is joined with them: a join might ask for them again and again.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT due.id FROM consent_listentry due
    JOIN consent_contactpoint point ON point.id = due.point_id
    WHERE due.state = 'PENDING' AND due.next_at <= %(due_by)s AND due.is_wanted = %(is_wanted)s
        AND point.channel = %(channel)s
    ORDER BY due.id LIMIT %(limit)s
    FOR UPDATE OF due SKIP LOCKED
)
UPDATE consent_listentry AS entry SET next_at = %(lease)s, attempts = attempts + 1
FROM due, consent_contactpoint point
WHERE entry.id = due.id AND point.id = entry.point_id
RETURNING entry.id, entry.version, entry.is_wanted, entry.attempts, point.address_hash
"""

_FINISH = """
UPDATE consent_listentry AS entry
SET state = told.state, next_at = told.next_at, last_error = told.words,
    done_at = CASE WHEN told.state = 'DONE' THEN %(now)s::timestamptz END
FROM unnest(%(ids)s::bigint[], %(versions)s::int[], %(states)s::text[], %(next)s::timestamptz[], %(words)s::text[])
    AS told(id, version, state, next_at, words)
WHERE entry.id = told.id AND entry.version = told.version AND entry.state = 'PENDING'
"""

# Ours may have reached the provider after the newer word did, or be on its way there still.
_TELL_ANEW = """
UPDATE consent_listentry AS entry
SET state = 'PENDING', version = entry.version + 1, attempts = 0, next_at = LEAST(told.next_at, %(soon)s),
    done_at = NULL, last_error = ''
FROM unnest(%(ids)s::bigint[], %(wanted)s::bool[], %(next)s::timestamptz[]) AS told(id, is_wanted, next_at)
WHERE entry.id = told.id AND entry.is_wanted <> told.is_wanted
"""


@dataclass(slots=True)
class Pushed:
    done: int = 0
    retried: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Due:
    id: int
    version: int
    is_wanted: bool
    attempts: int
    address_hash: bytes


@dataclass(frozen=True, slots=True)
class _Told:
    """What is written back for one entry."""

    due: _Due
    state: str
    next_at: datetime
    words: str = ""


def note_points(*, point_ids: Iterable[int], now: datetime) -> None:
    """In the transaction that changed these points, once they are written: what their providers are to list."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE,
            {
                "ids": sorted(set(point_ids)),
                "channels": list(settings.SUPPRESSION_LISTS),
                "said": list(_SAID_BY_A_PERSON),
                "at_once": AT_ONCE,
                "now": now,
            },
        )


def note_missing(*, channel: str, now: datetime) -> int:
    """Entries for opt-outs that have none: those from before there were any. Returns how many."""
    lacking = ContactPoint.objects.filter(channel=channel, is_blocked=True, list_entry__isnull=True)
    ids = list(lacking.filter(reason__in=_SAID_BY_A_PERSON).values_list("pk", flat=True))
    for some in batched(ids, BATCH):
        note_points(point_ids=some, now=now)
    return len(ids)


def push_due(*, now: datetime, wall_now: datetime) -> Pushed:
    """Tell every provider what is due when this begins, at `wall_now`: each entry once a round, the noes first. A claim
    is one call, whose answer is written at once. A channel whose provider has no list waits. Never raises
    ChannelError."""
    pushed, wall = Pushed(), clock.going_on(wall_now)
    lists = {channel: suppressions.get(channel) for channel in settings.SUPPRESSION_LISTS}
    for is_wanted, (channel, outside) in product((True, False), lists.items()):
        if outside is None:
            continue
        limit = min(outside.batch_size, BATCH if is_wanted else BATCH_BACK)
        while wall() - wall_now <= LONGEST_ROUND and (
            claimed := _claim(channel, wall_now, wall(), is_wanted=is_wanted, limit=limit)
        ):
            _push(outside, channel, claimed, pushed, now, wall)
    return pushed


def retry_failed(*, entry_ids: Sequence[int]) -> int:
    """A person has mended what was wrong: FAILED entries are told again from the start. Returns how many."""
    failed = ListEntry.objects.filter(pk__in=entry_ids, state=ListEntry.State.FAILED)
    return failed.update(state=ListEntry.State.PENDING, attempts=0, next_at=AT_ONCE)


def tell_again(*, point_ids: Sequence[int], now: datetime) -> int:
    """The provider's list does not say what it was told: told once more. Returns how many entries."""
    done = ListEntry.objects.filter(point_id__in=point_ids, state=ListEntry.State.DONE)
    again = {"state": ListEntry.State.PENDING, "attempts": 0, "next_at": AT_ONCE, "changed_at": now, "done_at": None}
    return done.update(**again)


def addresses_of(*, channel: str, hashes: Iterable[bytes]) -> dict[bytes, str]:
    """The address behind each hash, where a contact has it."""
    column, field = _COLUMNS[channel]
    owners = Contact.objects.filter(**{f"{column}__in": list(set(hashes))}, erased_at__isnull=True)
    return {bytes(value): address for value, address in owners.values_list(column, field) if address}


def _claim(channel: str, due_by: datetime, wall_now: datetime, *, is_wanted: bool, limit: int) -> list[_Due]:
    with connection.cursor() as cursor:
        params: dict[str, Any] = {
            "lease": wall_now + LEASE,
            "due_by": due_by,
            "channel": channel,
            "is_wanted": is_wanted,
            "limit": limit,
        }
        cursor.execute(_CLAIM, params)
        return [_Due(key, version, is_wanted, n, bytes(value)) for key, version, is_wanted, n, value in cursor]


def _push(
    outside: SuppressionList,
    channel: str,
    claimed: Sequence[_Due],
    pushed: Pushed,
    now: datetime,
    wall: Callable[[], datetime],
) -> None:
    known = addresses_of(channel=channel, hashes=[due.address_hash for due in claimed])
    told = [_Told(due, "DONE", wall(), _NOBODY) for due in claimed if due.address_hash not in known]
    told += _tell(outside, [due for due in claimed if due.address_hash in known], known, wall)
    _finish(told, now, wall())
    pushed.done += sum(one.state == "DONE" for one in told)
    pushed.retried += sum(one.state == "PENDING" for one in told)
    pushed.failed += sum(one.state == "FAILED" for one in told)


def _tell(
    outside: SuppressionList, dues: Sequence[_Due], known: Mapping[bytes, str], wall: Callable[[], datetime]
) -> list[_Told]:
    if not dues:
        return []
    addresses = [known[due.address_hash] for due in dues]
    try:
        refused = outside.add(addresses) if dues[0].is_wanted else outside.remove(addresses)
    except ChannelError as error:
        return [_put_off(due, error, wall()) for due in dues]
    told = []
    for due in dues:
        words = refused.get(known[due.address_hash], "")
        told.append(_Told(due, "FAILED" if words else "DONE", wall(), words))
    return told


def _put_off(due: _Due, error: ChannelError, wall_now: datetime) -> _Told:
    """Unclear is as good as no here: telling again changes nothing."""
    wait_s = min(FIRST_RETRY_S * 2 ** min(max(due.attempts - 1, 0), 10), LONGEST_RETRY_S)
    next_at = wall_now + timedelta(seconds=max(wait_s, error.retry_after_s or 0))
    is_over = isinstance(error, Refusal) or due.attempts >= MAX_ATTEMPTS
    return _Told(due, "FAILED" if is_over else "PENDING", next_at, error.detail)


def _finish(told: Sequence[_Told], now: datetime, wall_now: datetime) -> None:
    """Where the word has changed meanwhile this finishes nothing, and what stands now is told after it."""
    params: dict[str, Any] = {
        "ids": [one.due.id for one in told],
        "wanted": [one.due.is_wanted for one in told],
        "versions": [one.due.version for one in told],
        "states": [one.state for one in told],
        "next": [one.next_at for one in told],
        "words": [one.words for one in told],
        "now": now,
        "soon": wall_now + timedelta(seconds=FIRST_RETRY_S),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, params)
        cursor.execute(_TELL_ANEW, params)
