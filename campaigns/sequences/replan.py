"""Plan anew what delivery gave back: the account's facts changed between planning and sending."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet, Window
from django.db.models.functions import RowNumber

from campaigns.delivery.models import Message
from campaigns.sequences import advance, facts, planning_apart
from campaigns.sequences import flow as flows
from campaigns.sequences.flow import Flow
from campaigns.sequences.models import Campaign, Enrolment, Snag, StepRun
from orchestrator.engine import planner

BATCH = 500
# They were moved to a version that has no such message, or none of the kind any more.
MESSAGE_GONE = "MESSAGE_GONE"


def plan_anew(*, now: datetime) -> int:
    """Messages skipped for FACTS_CHANGED get a successor with today's figures and `visit` + 1, unless the
    account upgraded meanwhile, or a reason to leave holds: then the enrolment is woken to leave. Returns
    how many messages were planned. How late it may go counts on from the first of them. One that cannot be
    planned stops no other."""
    return plan_fresh(now=now) + plan_again(now=now)


def plan_fresh(*, now: datetime) -> int:
    """Those of enrolments that have not failed before."""
    fresh = _given_back(now).filter(~Exists(Snag.objects.filter(enrolment=OuterRef("enrolment"))))
    planned = planning_apart.act_apart(
        items=_read(fresh.order_by("pk")),
        campaign_of=lambda run: run.enrolment.campaign_id,
        act=lambda part: _plan_anew(part, now),
        give_up=lambda part, error: _give_up(part, error, now),
    )
    return sum(planned)


def plan_again(*, now: datetime) -> int:
    """Those that failed and are to be tried again, apart from all others."""
    failed = _given_back(now).filter(enrolment__snag__isnull=False)
    order = [F("enrolment__snag__try_at"), F("pk")]
    place = Window(RowNumber(), partition_by="enrolment__campaign_id", order_by=order)
    again, _ = planning_apart.act_again(
        items=_read(failed.annotate(place=place).order_by("place", "pk")),
        campaign_of=lambda run: run.enrolment.campaign_id,
        act=lambda part: _plan_anew(part, now),
        give_up=lambda part, error: _give_up(part, error, now),
    )
    return sum(again)


def _read(runs: QuerySet[StepRun]) -> list[StepRun]:
    return list(runs.select_related("message", "enrolment")[:BATCH])


def _give_up(runs: Sequence[StepRun], error: Exception, now: datetime) -> None:
    planning_apart.note_fault(steps={run.enrolment_id: run.step_key for run in runs}, error=error, now=now)


def _plan_anew(runs: Sequence[StepRun], now: datetime) -> int:
    with transaction.atomic():
        planning_apart.limit_statements()
        rows = {row.pk: row for row in _lock([run.enrolment_id for run in runs])}
        # Another worker may have answered them meanwhile.
        runs = list(_given_back(now).filter(pk__in=[run.pk for run in runs], enrolment__in=list(rows)).order_by("pk"))
        if not runs:
            return 0
        flow_of = flows.read_flows(version_ids={row.version_id for row in rows.values()})
        gathered = facts.gather_facts(enrolments=list(rows.values()), flows=flow_of, now=now)
        upgraded = facts.upgraded_since(enrolments=list(rows.values()), now=now)
        visits = _newest_visits(list(rows))
        sends, skipped, deadlines = [], [], {}
        _wake([row_pk for row_pk, known in gathered.facts.items() if known.exits], now)
        for run in runs:
            row, visit = rows[run.enrolment_id], visits[run.enrolment_id, run.step_key] + 1
            reason = _why_not(run, flow_of[row.version_id], gathered.facts[row.pk], row.pk in upgraded)
            if reason:
                skipped.append(_answered(run, visit, reason, now))
            else:
                # What was given back before it was due waits until then.
                due_at = run.message.due_at if run.message else now
                sends.append((row, planner.Send(run.step_key, due_at, visit)))
                deadlines[row.pk, run.step_key, visit] = run.message.send_by if run.message else None
        messages, unsent = advance.plan_sends(
            sends=sends, flow_of=flow_of, gathered=gathered, now=now, deadlines=deadlines
        )
        StepRun.objects.bulk_create([*skipped, *unsent])
        _raise_visits(rows, sends)
        planning_apart.forget_snags(enrolment_ids=list(rows))
        return len(messages)


def _given_back(now: datetime) -> QuerySet[StepRun]:
    later = StepRun.objects.filter(
        enrolment=OuterRef("enrolment"), step_key=OuterRef("step_key"), visit__gt=OuterRef("visit")
    )
    return StepRun.objects.filter(
        ~Exists(later),
        ~Exists(Snag.objects.filter(enrolment=OuterRef("enrolment"), try_at__gt=now)),
        message__state=Message.State.SKIPPED,
        message__reason=Message.Reason.FACTS_CHANGED,
        # Of one that a person sent again, evidence may still come: it has no successor.
        message__decided_at__isnull=True,
        enrolment__state=Enrolment.State.OPEN,
        enrolment__campaign__status=Campaign.Status.LIVE,
    ).select_related("message")


def _lock(enrolment_ids: list[int]) -> list[Enrolment]:
    rows = Enrolment.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        pk__in=enrolment_ids, state=Enrolment.State.OPEN
    )
    return advance.with_surroundings(rows.order_by("pk"))


def _newest_visits(enrolment_ids: list[int]) -> dict[tuple[int, str], int]:
    rows = StepRun.objects.filter(enrolment_id__in=enrolment_ids).values("enrolment_id", "step_key")
    return {(row["enrolment_id"], row["step_key"]): row["newest"] for row in rows.annotate(newest=Max("visit"))}


def _why_not(run: StepRun, flow: Flow, known: planner.Facts, has_upgraded: bool) -> str:
    if known.exits:
        return sorted(known.exits)[0]
    if run.step_key not in flow.wordings:
        return MESSAGE_GONE
    return Enrolment.Exit.CONVERTED if has_upgraded else known.skips.get(run.step_key, "")


def _wake(enrolment_ids: list[int], now: datetime) -> None:
    """Who has to leave leaves at the next look, and by the reason that holds: a score that turned red, or a price that
    ended, wakes nobody by itself."""
    Enrolment.objects.filter(pk__in=enrolment_ids, state=Enrolment.State.OPEN).update(due_at=now)


def _answered(run: StepRun, visit: int, reason: str, now: datetime) -> StepRun:
    return StepRun(
        enrolment_id=run.enrolment_id,
        step_key=run.step_key,
        visit=visit,
        outcome=StepRun.Outcome.SKIPPED,
        reason=reason,
        at=now,
    )


def _raise_visits(rows: dict[int, Enrolment], sends: list[tuple[Enrolment, planner.Send]]) -> None:
    """A branch that leads back counts on from here: one (step, visit) is never used twice."""
    for visit in {send.visit for _, send in sends}:
        ids = [row.pk for row, send in sends if send.visit == visit and rows[row.pk].visit < visit]
        Enrolment.objects.filter(pk__in=ids, visit__lt=visit).update(visit=visit)
