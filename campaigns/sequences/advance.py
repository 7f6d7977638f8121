"""Move enrolments whose time has come: facts in bulk, the engine decides, rows are written in one transaction.

Nothing polls a contact. An enrolment is looked at when its `due_at` has come (business time), or when
something happened to it (`wake`); while a message of it is awaited it has no `due_at` (`awaited`). Two planners never
hold the same row: each takes what the other has not. A row that cannot be planned stops no other (`planning_apart`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Window
from django.db.models.functions import RowNumber

from campaigns.delivery.models import Message
from campaigns.offers import quote as quoting
from campaigns.offers import selectors as offers
from campaigns.offers.models import Quote
from campaigns.operations import blame, bulk_rows, collector
from campaigns.sequences import compose, exits, facts, figures, note, planning_apart, questions
from campaigns.sequences import flow as flows
from campaigns.sequences.compose import Due
from campaigns.sequences.facts import Gathered
from campaigns.sequences.flow import Flow
from campaigns.sequences.models import Campaign, CampaignVersion, Enrolment, Snag, StepRun
from orchestrator.engine import planner

log = logging.getLogger(__name__)

BATCH = 2000
CALL_ASKED = "CALL_ASKED"
# An enrolment, its campaign, and the step at which it stands.
type _Place = tuple[int, int, str]
# Who waits for a condition is asked again this often, besides whenever something is known to have happened to them:
# clicks, usage and the passing of days tell nobody.
ASK_AGAIN = timedelta(minutes=5)


@dataclass(slots=True)
class Advanced:
    looked_at: int = 0
    planned: int = 0
    ended: int = 0

    def add(self, other: Advanced) -> None:
        self.looked_at += other.looked_at
        self.planned += other.planned
        self.ended += other.ended


@dataclass(slots=True)
class _Batch:
    """What is decided for a batch before anything is written."""

    sends: list[tuple[Enrolment, planner.Send]] = field(default_factory=list)
    passed: list[StepRun] = field(default_factory=list)
    told: list[tuple[Enrolment, dict[str, Any]]] = field(default_factory=list)
    exits: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    moved: list[Enrolment] = field(default_factory=list)
    held: dict[int, planner.Held] = field(default_factory=dict)


def advance_due(*, now: datetime, limit: int = 5000) -> Advanced:
    """At most `limit` enrolments of live campaigns, the longest due first, and those that are to be tried again."""
    total = Advanced()
    while total.looked_at < limit:
        size = min(BATCH, limit - total.looked_at)
        done = advance_batch(now=now, size=size)
        total.add(done)
        if done.looked_at < size:
            break
    total.add(advance_again(now=now))
    return total


def advance_batch(*, now: datetime, size: int) -> Advanced:
    """Those due that no other worker holds and that have not failed before, in a transaction of their own. What fails
    together is done again campaign by campaign, and so on; what fails alone is left standing with its reason."""
    batch: list[_Place] = []
    try:
        with collector.paused(), transaction.atomic():
            planning_apart.limit_statements()
            rows = with_surroundings(_due(now).order_by("due_at", "pk")[:size])
            batch = [(row.pk, row.campaign_id, row.step_key) for row in rows]
            return _advance(rows, questions.Asking(), now)
    except Exception as error:
        if not batch or not blame.is_theirs(error):
            raise
        why = blame.describe(error)
        log.error("A batch of %s enrolments could not be planned: %s. They are planned apart.", len(batch), why)
    total = Advanced()
    for done in planning_apart.act_apart(
        items=batch,
        campaign_of=lambda one: one[1],
        act=lambda part: _advance_apart(_due(now), part, questions.Asking(), now),
        give_up=lambda part, error: _give_up(part, error, now),
    ):
        total.add(done)
    total.looked_at = len(batch)
    return total


def advance_again(*, now: datetime) -> Advanced:
    """Those that stood still for a reason and are to be tried again, the longest waiting of each campaign first: as
    many as the time allows, apart from all others, so that they keep nobody from theirs. A question that is too slow
    for several of them holds whom alone it is too slow for."""
    due = _to_try(now)
    place = Window(RowNumber(), partition_by="campaign_id", order_by=[F("snag__try_at"), F("pk")])
    rows = due.annotate(place=place).order_by("place", "pk")[:BATCH]
    tried, _ = planning_apart.act_again(
        items=list(rows.values_list("pk", "campaign_id", "step_key")),
        campaign_of=lambda one: one[1],
        act=lambda part: _advance_apart(
            _locked(due), part, questions.Asking(remembers=False, holds=len(part) == 1), now
        ),
        give_up=lambda part, error: _give_up(part, error, now),
    )
    total = Advanced()
    for done in tried:
        total.add(done)
    return total


def _advance_apart(
    due: QuerySet[Enrolment], part: Sequence[_Place], asking: questions.Asking, now: datetime
) -> Advanced:
    with transaction.atomic():
        planning_apart.limit_statements()
        rows = with_surroundings(due.filter(pk__any=[pk for pk, *_ in part]).order_by("pk"))
        return _advance(rows, asking, now)


def _give_up(part: Sequence[_Place], error: Exception, now: datetime) -> None:
    planning_apart.note_fault(steps={pk: step_key for pk, _, step_key in part}, error=error, now=now)


def _due(now: datetime) -> QuerySet[Enrolment]:
    """Locked, but for those that another worker holds; without who stands still for a reason."""
    return _locked(_open(now).filter(~Exists(Snag.objects.filter(enrolment=OuterRef("pk")))))


def _to_try(now: datetime) -> QuerySet[Enrolment]:
    return _open(now).filter(snag__try_at__lte=now)


def _open(now: datetime) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(state=Enrolment.State.OPEN, due_at__lte=now, campaign__status=Campaign.Status.LIVE)


def _locked(rows: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
    return rows.select_for_update(skip_locked=True, of=("self",))


def with_surroundings(rows: QuerySet[Enrolment]) -> list[Enrolment]:
    """What is each one's own is read with it; campaigns and versions are one object for all who are in them."""
    found = list(rows.select_related("entry__stay", "account", "contact", "quote"))
    campaigns = Campaign.objects.select_related("gate", "experiment").in_bulk({row.campaign_id for row in found})
    versions = CampaignVersion.objects.select_related("offer", "segment__live_version").in_bulk(
        {row.version_id for row in found}
    )
    for row in found:
        row.campaign, row.version = campaigns[row.campaign_id], versions[row.version_id]
    return found


def plan_sends(
    *,
    sends: Sequence[tuple[Enrolment, planner.Send]],
    flow_of: Mapping[int, Flow],
    gathered: Gathered,
    now: datetime,
    deadlines: Mapping[tuple[int, str, int], datetime | None] | None = None,
) -> tuple[list[Message], list[StepRun]]:
    """Messages of the sends that can be made, and step runs that say why the others cannot: marketing also where nobody
    sells now, whether the campaign leaves for that or not. `deadlines`, by enrolment id, step and visit: until when
    what is planned anew may go."""
    quotes = _quotes([enrolment for enrolment, _ in sends], gathered, now)
    told = figures.gather_today(
        enrolments=[enrolment for enrolment, _ in sends], subscriptions=gathered.subscriptions, now=now
    )
    due: list[Due] = []
    skipped: list[StepRun] = []
    for enrolment, send in sends:
        quote, flow = quotes.get(enrolment.pk), flow_of[enrolment.version_id]
        closed = gathered.closed.get(enrolment.account_id) if flow.spec.purpose == Message.Purpose.MARKETING else None
        why_not = closed or (quote if isinstance(quote, str) else "")
        if why_not or isinstance(quote, str):
            skipped.append(_skipped(enrolment, send.step_key, send.visit, why_not, now))
            continue
        point = gathered.points[enrolment.contact_id, flow.channel(send.step_key)]
        send_by = (deadlines or {}).get((enrolment.pk, send.step_key, send.visit))
        due.append(
            Due(enrolment, flow, send.step_key, send.visit, send.due_at, point, quote, send_by, told[enrolment.pk])
        )
    return compose.plan_step(due=due, now=now), skipped


def _advance(rows: Sequence[Enrolment], asking: questions.Asking, now: datetime) -> Advanced:
    if not rows:
        return Advanced()
    flow_of = flows.read_flows(version_ids={row.version_id for row in rows})
    gathered = facts.gather_facts(enrolments=rows, flows=flow_of, now=now, asking=asking)
    batch = _Batch()
    for row in rows:
        _decide(row, flow_of[row.version_id], gathered, batch, now)
    messages, unsent = plan_sends(sends=batch.sends, flow_of=flow_of, gathered=gathered, now=now)
    bulk_rows.insert_rows(rows=[*batch.passed, *unsent])
    bulk_rows.update_rows(rows=batch.moved, fields=["step_key", "visit", "step_entered_at", "due_at"])
    ended = exits.end_for_reasons(enrolment_ids=batch.exits, now=now)
    note.note_traits(told=batch.told, now=now)
    planning_apart.forget_snags(enrolment_ids=[row.pk for row in rows if row.pk not in batch.held])
    _note_held(batch.held, now)
    return Advanced(looked_at=len(rows), planned=len(messages), ended=ended)


def _decide(row: Enrolment, flow: Flow, gathered: Gathered, batch: _Batch, now: datetime) -> None:
    """One decision; what neither needs a message nor time is passed by on the way, and written down."""
    known = gathered.facts[row.pk]
    if gathered.had[row.pk].is_awaited and row.step_key and not known.exits:
        _move(row, planner.Position(row.step_key, row.step_entered_at, row.visit), None, batch)
        return
    position = planner.Position(row.step_key or None, row.step_entered_at, row.visit)
    walked = planner.walk(sequence=flow.sequence, position=position, facts=known, now=now)
    for one in walked.passed:
        _pass(row, flow, one, batch, now)
    match walked.decision:
        case planner.Exit(reason) if reason in planner.EXIT_PRIORITY:
            batch.exits[reason].append(row.pk)
        case planner.Exit():
            _move(row, planner.Position(None, now, row.visit), None, batch)
        case planner.Wait(until, step_key, entered_at, visit):
            look_at = min(until, now + ASK_AGAIN) if flow.asks(step_key) else until
            _move(row, planner.Position(step_key, entered_at, visit), look_at, batch)
        case planner.Held(step_key, _, entered_at, visit) as held:
            batch.held[row.pk] = held
            _move(row, planner.Position(step_key, entered_at, visit), row.due_at, batch)
        case planner.Send() as send:
            batch.sends.append((row, send))
            _move(row, flows.after_message(flow=flow, send=send, now=now), None, batch)


def _note_held(held: Mapping[int, planner.Held], now: datetime) -> None:
    for version_step in {(one.step_key, one.reason) for one in held.values()}:
        log.warning("At step %s people stand still: %s", *version_step)
    planning_apart.note_snags(
        kind=Snag.Kind.CONDITION,
        steps={pk: one.step_key for pk, one in held.items()},
        details={pk: one.reason for pk, one in held.items()},
        now=now,
    )


def _pass(row: Enrolment, flow: Flow, one: planner.Passed, batch: _Batch, now: datetime) -> None:
    match one:
        case planner.Skip(step_key, reason, visit):
            run = _skipped(row, step_key, visit, reason, now)
        case planner.Split(step_key, way, visit):
            run = _run(row, step_key, visit, StepRun.Outcome.SPLIT, way, now)
        case planner.Stuck(step_key, reason, visit):
            run = _skipped(row, step_key, visit, reason, now)
        case planner.Jump(step_key, visit):
            run = _run(row, step_key, visit, StepRun.Outcome.JUMPED, "", now)
        case planner.Update(step_key, visit):
            run = _run(row, step_key, visit, StepRun.Outcome.UPDATED, note.source_of(row), now)
            batch.told.append((row, dict(flow.spec_of(step_key).traits)))
    batch.passed.append(run)


def _move(row: Enrolment, position: planner.Position, look_at: datetime | None, batch: _Batch) -> None:
    row.step_key, row.visit = position.step_key or "", position.visit
    row.step_entered_at, row.due_at = position.entered_at, look_at
    batch.moved.append(row)


def _skipped(row: Enrolment, step_key: str, visit: int, reason: str, now: datetime) -> StepRun:
    return _run(row, step_key, visit, StepRun.Outcome.SKIPPED, reason, now)


def _run(row: Enrolment, step_key: str, visit: int, outcome: str, reason: str, now: datetime) -> StepRun:
    return bulk_rows.new_row(
        StepRun, enrolment=row, step_key=step_key, visit=visit, outcome=outcome, reason=reason, at=now
    )


def _quotes(rows: Sequence[Enrolment], gathered: Gathered, now: datetime) -> dict[int, Quote | str]:
    """{enrolment id: the quote to name in its message, or why there is none}; without an offer it is absent."""
    found: dict[int, Quote | str] = {}
    by_offer: dict[int, list[Enrolment]] = defaultdict(list)
    with_offer = sorted({row.account_id for row in rows if row.version.offer_id is not None})
    accepting = offers.accepting_account_ids(account_ids=with_offer) if with_offer else set()
    called = _asked_for_calls(rows)
    for row in rows:
        if row.pk in called:
            found[row.pk] = CALL_ASKED
        elif row.version.offer_id is not None and row.account_id in accepting:
            found[row.pk] = Message.Reason.CONVERTED.value
        elif row.version.offer_id is not None:
            by_offer[row.version.offer_id].append(row)
    for group in by_offer.values():
        offer = group[0].version.offer
        assert offer is not None, "Grouped by offer."
        if not offer.is_active:
            found |= {row.pk: Message.Reason.OFFER_WITHDRAWN.value for row in group}
            continue
        ids = sorted({row.account_id for row in group})
        quotes = quoting.make_quotes(offer=offer, account_ids=ids, now=now, subscriptions=gathered.subscriptions)
        found |= {row.pk: quotes[row.account_id] for row in group}
    return found


def _asked_for_calls(rows: Sequence[Enrolment]) -> set[int]:
    """Whose account asked to be called about what it is offered, by whichever quote: one whose figures changed is
    followed by another."""
    offered = {row.pk: row.version.offer_id for row in rows if row.version.offer_id is not None}
    found = {row.pk for row in rows if row.quote is not None and row.quote.state == Quote.State.CALL_ASKED}
    accounts = {row.account_id for row in rows if row.pk in offered}
    if not accounts:
        return found
    asked = Quote.objects.filter(account_id__any=sorted(accounts), state=Quote.State.CALL_ASKED)
    newest = {
        (account, offer): at
        for account, offer, at in asked.order_by("answered_at").values_list("account_id", "offer_id", "answered_at")
    }
    for row in rows:
        at = newest.get((row.account_id, offered.get(row.pk, 0)))
        if at is not None and at >= row.enrolled_at:
            found.add(row.pk)
    return found
