"""A provider's bad day: after ten failures in a row, of whichever worker, one message at a time is risked by one of
them.

The row of the channel is what all workers see. Closed: everything goes. Nothing known lately: a few first. Open:
nothing but a probe, after a pause that doubles; one good answer closes it. What the provider itself asked to wait
for is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from campaigns.delivery.finish import Answer, Outcome
from campaigns.delivery.models import ChannelHealth
from campaigns.delivery.shipments import TELL_NOTHING
from campaigns.operations.models import AuditEntry

TRIES = 10
# So many requests at a time where the provider has not answered well for as long as MEMORY.
CAREFUL = 5
MEMORY = timedelta(seconds=30)
FIRST_PROBE = timedelta(seconds=2)
LONGEST_PROBE = timedelta(seconds=60)
# A good answer is written down this often: the row is everybody's.
TOLD_EVERY = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
# A channel of many receivers: one that is down says nothing about the others, and each message has its own pauses.
MANY_RECEIVERS = frozenset({"webhook"})

_READ = "SELECT failures, answered_at, opened_at, paused_until FROM delivery_channelhealth WHERE channel = %(channel)s"

_PROBE = """
UPDATE delivery_channelhealth SET probe_at = %(next)s
WHERE channel = %(channel)s AND opened_at IS NOT NULL AND coalesce(probe_at, %(wall_now)s) <= %(wall_now)s
"""

_WELL = """
INSERT INTO delivery_channelhealth AS health (channel, failures, answered_at, probes, code, paused_until)
VALUES (%(channel)s, 0, %(wall_now)s, 0, '', %(paused)s)
ON CONFLICT (channel) DO UPDATE SET failures = 0, answered_at = excluded.answered_at, opened_at = NULL, probes = 0,
    probe_at = NULL, code = '', paused_until = GREATEST(health.paused_until, excluded.paused_until)
"""

_BADLY = """
INSERT INTO delivery_channelhealth AS health
    (channel, failures, failed_at, opened_at, probes, probe_at, code, paused_until)
VALUES (%(channel)s, %(failures)s, %(wall_now)s,
    CASE WHEN %(failures)s >= %(tries)s THEN %(wall_now)s::timestamptz END, 0, %(wall_now)s + %(first)s, %(code)s,
    %(paused)s)
ON CONFLICT (channel) DO UPDATE SET
    failures = LEAST(health.failures + excluded.failures, 1000000), failed_at = excluded.failed_at,
    opened_at = CASE WHEN health.failures + excluded.failures >= %(tries)s
        THEN coalesce(health.opened_at, excluded.failed_at) END,
    probes = CASE WHEN health.opened_at IS NULL THEN 0 ELSE LEAST(health.probes + 1, 20) END,
    probe_at = excluded.failed_at + LEAST(%(longest)s, %(first)s * power(2, CASE WHEN health.opened_at IS NULL THEN 0
        ELSE LEAST(health.probes + 1, 20) END)),
    code = excluded.code, paused_until = GREATEST(health.paused_until, excluded.paused_until)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a channel stands at a moment."""

    is_open: bool = False
    is_unsure: bool = False
    paused_until: datetime | None = None
    answered_at: datetime | None = None
    failures: int = 0


HEALTHY = Standing()


class Fuse:
    """One worker's own look at the answers as they come, between two looks at the row. Shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self.has_held = False
        """Whether there was a good answer at all."""

    def note(self, answers: Sequence[Answer]) -> None:
        """`answers` tell of a request each (`telling`)."""
        with self._lock:
            good, bad = _judge(answers)
            self._failures = 0 if good else self._failures + bad
            self.has_held |= good

    @property
    def is_blown(self) -> bool:
        return self._failures >= TRIES


def read(*, channel: str, wall_now: datetime) -> Standing:
    if channel in MANY_RECEIVERS:
        return HEALTHY
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"channel": channel})
        row = cursor.fetchone()
    if row is None:
        return Standing(is_unsure=True)
    failures, answered_at, opened_at, paused_until = row
    return Standing(
        is_open=opened_at is not None,
        is_unsure=failures > 0 or answered_at is None or answered_at < wall_now - MEMORY,
        paused_until=paused_until if paused_until is not None and paused_until > wall_now else None,
        answered_at=answered_at,
        failures=failures,
    )


def shut_channels(*, wall_now: datetime, within: timedelta) -> set[str]:
    """Where nothing goes now but a probe, or where the provider wants a longer rest than `within`. Nobody knows when an
    open breaker closes: what waits for it would wait for an outage."""
    shut = Q(opened_at__isnull=False) | Q(paused_until__gt=wall_now + within)
    rows = ChannelHealth.objects.filter(shut).exclude(channel__in=MANY_RECEIVERS)
    return set(rows.values_list("channel", flat=True))


def take_probe(*, channel: str, wall_now: datetime) -> bool:
    """Whether this worker may try one message now: of all workers one gets a yes in each pause."""
    params: dict[str, Any] = {"channel": channel, "wall_now": wall_now, "next": wall_now + FIRST_PROBE}
    with connection.cursor() as cursor:
        cursor.execute(_PROBE, params)
        return cursor.rowcount == 1


def try_now(*, channel: str, by: str, now: datetime, wall_now: datetime) -> bool:
    """A person asks to try a channel that is held back, or whose provider asked to wait, at once: the next drain risks
    one message, or goes on. False where nothing is held back. Audited."""
    held = Q(opened_at__isnull=False) | Q(paused_until__gt=wall_now)
    with transaction.atomic():
        row = ChannelHealth.objects.select_for_update().filter(held, channel=channel).first()
        if row is None:
            return False
        ChannelHealth.objects.filter(pk=row.pk).update(
            probe_at=wall_now if row.opened_at is not None else None, paused_until=None
        )
        AuditEntry.objects.create(
            at=now,
            actor=by,
            action="channel.retried",
            subject=f"channel:{channel}",
            before={"code": row.code, "failures": row.failures},
        )
    return True


def telling(answers: Sequence[Answer]) -> list[Answer]:
    """Of the answers of one request the one that tells how the provider is: a request of a thousand that failed is one
    failure, and one message that was taken is a good answer."""
    good = next((one for one in answers if one.outcome in (Outcome.ACCEPTED, Outcome.REFUSED)), None)
    return [good] if good else list(answers[-1:])


def note(*, channel: str, answers: Sequence[Answer], standing: Standing, wall_now: datetime) -> None:
    """What a worker was answered, by request (`telling`). `standing` is what it last read: good news that is no news is
    not written."""
    if channel in MANY_RECEIVERS:
        return
    good, bad = _judge(answers)
    waits = [one.retry_after_s for one in answers if one.outcome == Outcome.BUSY and one.retry_after_s]
    paused = wall_now + min(timedelta(seconds=max(waits)), LONGEST_WAIT) if waits else None
    params = {"channel": channel, "wall_now": wall_now, "paused": paused}
    told = standing.answered_at is not None and standing.answered_at > wall_now - TOLD_EVERY and not standing.failures
    if good and (paused or not told):
        _execute(_WELL, params)
    elif bad and not good:
        code = next(one.code for one in reversed(answers) if _is_failure(one))[:40]
        limits = {"tries": TRIES, "first": FIRST_PROBE, "longest": LONGEST_PROBE}
        _execute(_BADLY, params | limits | {"failures": bad, "code": code})


def _judge(answers: Sequence[Answer]) -> tuple[bool, int]:
    """Whether the provider answered properly at all, a refusal of one message included; how often it did not."""
    good = any(one.outcome in (Outcome.ACCEPTED, Outcome.REFUSED) for one in answers)
    return good, sum(_is_failure(one) for one in answers)


def _is_failure(one: Answer) -> bool:
    return one.outcome in (Outcome.BUSY, Outcome.UNCLEAR) and one.code not in TELL_NOTHING


def _execute(statement: str, params: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
