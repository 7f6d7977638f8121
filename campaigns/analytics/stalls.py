"""What stands still, of all campaigns or of one, and why as far as anybody can know: the switch, a pause, no worker,
a provider's bad day. What has no reason here is a fault of ours and told as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from campaigns.delivery import stalled as messages
from campaigns.delivery import switch
from campaigns.delivery.models import ChannelHealth, SendGate
from campaigns.delivery.stalled import Kind
from campaigns.operations import readiness
from campaigns.operations.models import AuditEntry, SendSwitch
from campaigns.operations.readiness import STALE_AFTER_S, Readiness
from campaigns.sequences import stalled as people
from campaigns.sequences.models import Campaign
from orchestrator.jobs import queues

# A channel that was answered so lately goes on: what waits stands in line.
LATELY = timedelta(minutes=1)
PEOPLE, NEWCOMERS = "people", "newcomers"
# No provider has a part in them.
_OURS = frozenset({PEOPLE, NEWCOMERS})


class Cause(StrEnum):
    PAUSED = "PAUSED"
    SWITCH = "SWITCH"
    RESTORED = "RESTORED"
    REDIS = "REDIS"
    WORKER = "WORKER"
    TIMETABLE = "TIMETABLE"
    BREAKER = "BREAKER"
    ASKED_TO_WAIT = "ASKED_TO_WAIT"
    RETRIED = "RETRIED"
    IN_LINE = "IN_LINE"
    IN_HAND = "IN_HAND"
    CONDITION = "CONDITION"
    FAULT = "FAULT"
    NO_REASON = "NO_REASON"


# Somebody wanted it so, or it goes on by itself.
QUIET = frozenset({Cause.PAUSED, Cause.SWITCH, Cause.RESTORED, Cause.IN_LINE})
# Where asking again can help. With nobody there to work, or a provider that is down, it cannot.
CAN_BE_DRIVEN = frozenset({Cause.TIMETABLE, Cause.RETRIED, Cause.IN_HAND, Cause.NO_REASON})


@dataclass(frozen=True, slots=True)
class Stall:
    """`what` is a channel, PEOPLE, or NEWCOMERS, accounts that should be taken in. `since`: when the first of them was
    due, business time. `by` who paused it or switched sending off; `at` when that was, when a worker was last seen, or
    the next try of a provider (wall time but for the first two); `code` what the provider answers, why the question of
    `step` cannot be answered, or the kind of error."""

    campaign: str
    what: str
    number: int
    since: datetime
    cause: Cause
    by: str = ""
    at: datetime | None = None
    code: str = ""
    step: str = ""

    @property
    def is_quiet(self) -> bool:
        return self.cause in QUIET

    @property
    def can_be_driven(self) -> bool:
        return self.cause in CAN_BE_DRIVEN


@dataclass(slots=True)
class _Known:
    """What may be the reason; read once, and only where something stands still."""

    wall_now: datetime
    switch: SendSwitch | None
    is_on: bool
    is_restored: bool
    state: Readiness
    health: Mapping[str, ChannelHealth]
    pauses: Mapping[str, AuditEntry] = field(default_factory=dict)


def find_stalls(*, now: datetime, wall_now: datetime, campaign: str = "") -> list[Stall]:
    """Of one campaign by its slug, or of all; those first that need somebody, then the oldest."""
    late = messages.find_stalled(now=now, wall_now=wall_now, gate=campaign)
    waiting = [(PEOPLE, one) for one in people.find_stalled(now=now, campaign=campaign)]
    waiting += [(NEWCOMERS, one) for one in people.find_kept_out(now=now, campaign=campaign)]
    if not late and not waiting:
        return []
    known = _read({one.gate for one in late} | {one.campaign for _, one in waiting}, wall_now)
    found = [
        _stall(one.gate, one.channel, one.number, one.since, one.gate_state == SendGate.State.PAUSED, one.kind, known)
        for one in late
    ]
    found += [_people(what, one, known) for what, one in waiting]
    return sorted(found, key=lambda one: (one.is_quiet, one.since))


def _people(what: str, one: people.Stalled, known: _Known) -> Stall:
    is_paused = one.status == Campaign.Status.PAUSED
    if one.kind and not is_paused:
        return Stall(one.campaign, what, one.number, one.since, Cause(one.kind), code=one.detail, step=one.step)
    return _stall(one.campaign, what, one.number, one.since, is_paused, Kind.WAITING, known)


def _read(slugs: set[str], wall_now: datetime) -> _Known:
    subjects = [f"campaign:{slug}" for slug in slugs]
    newest = AuditEntry.objects.filter(subject__in=subjects, action="campaign.paused").order_by("subject", "-at", "-pk")
    return _Known(
        wall_now=wall_now,
        switch=SendSwitch.objects.filter(pk=1).first(),
        is_on=switch.is_on(),
        is_restored=switch.is_held_after_restore(),
        state=readiness.look(wall_now=wall_now),
        health={one.channel: one for one in ChannelHealth.objects.all()},
        pauses={one.subject.partition(":")[2]: one for one in newest.distinct("subject")},
    )


def _stall(campaign: str, what: str, number: int, since: datetime, is_paused: bool, kind: Kind, known: _Known) -> Stall:
    def told(cause: Cause, by: str = "", at: datetime | None = None, code: str = "") -> Stall:
        return Stall(campaign, what, number, since, cause, by, at, code)

    # Whoever died with it in hand is released whether or not anything may be sent.
    is_waiting = kind in (Kind.WAITING, Kind.RETRIED, Kind.FAULT)
    if is_waiting and is_paused:
        pause = known.pauses.get(campaign)
        return told(Cause.PAUSED, pause.actor, pause.at) if pause else told(Cause.PAUSED)
    if is_waiting and what not in _OURS and not known.is_on:
        if known.is_restored or known.switch is None:
            return told(Cause.RESTORED)
        return told(Cause.SWITCH, known.switch.changed_by, known.switch.changed_at)
    machine = _of_the_machine(known)
    if machine is not None:
        return told(machine[0], at=machine[1])
    if kind == Kind.WAITING and what not in _OURS:
        return told(*_of_the_provider(known.health.get(what), known.wall_now))
    causes = {Kind.RETRIED: Cause.RETRIED, Kind.FAULT: Cause.FAULT, Kind.IN_HAND: Cause.IN_HAND}
    return told(causes.get(kind, Cause.NO_REASON))


def _of_the_machine(known: _Known) -> tuple[Cause, datetime | None] | None:
    """Nobody is there who could do it; and when somebody last was."""
    age, beat = known.state.workers.get(queues.NOW), known.state.beat_age_s
    if not known.state.redis:
        return Cause.REDIS, None
    if age is None or age > STALE_AFTER_S:
        return Cause.WORKER, None if age is None else known.wall_now - timedelta(seconds=age)
    if beat is None or beat > STALE_AFTER_S:
        return Cause.TIMETABLE, None if beat is None else known.wall_now - timedelta(seconds=beat)
    return None


def _of_the_provider(health: ChannelHealth | None, wall_now: datetime) -> tuple[Cause, str, datetime | None, str]:
    if health is None:
        return Cause.NO_REASON, "", None, ""
    if health.opened_at is not None:
        return Cause.BREAKER, "", health.probe_at, health.code
    if health.paused_until is not None and health.paused_until > wall_now:
        return Cause.ASKED_TO_WAIT, "", health.paused_until, health.code
    if health.answered_at is not None and health.answered_at > wall_now - LATELY:
        return Cause.IN_LINE, "", health.answered_at, ""
    return Cause.NO_REASON, "", None, ""
