"""What holds for a batch of enrolments now, gathered by a handful of queries and handed to the planner."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.billing import selectors as billing
from campaigns.billing.models import MrrMovement, Subscription
from campaigns.consent import points
from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic, ContactPoint
from campaigns.delivery import windows
from campaigns.delivery.models import Message, SendGate
from campaigns.offers.models import Refusal
from campaigns.segments import evaluate
from campaigns.segments.errors import DefinitionError
from campaigns.sequences import awaited, eligibility, questions, ways
from campaigns.sequences.awaited import Had
from campaigns.sequences.flow import Flow
from campaigns.sequences.models import Enrolment, StepRun
from orchestrator.engine import planner


@dataclass(slots=True)
class Gathered:
    """`facts` by enrolment id; `points` by (contact id, channel), for whoever is to be written to;
    `subscriptions`, the current ones, by account id; `closed`: why nobody sells to an account now; `had` by enrolment
    id: its messages so far."""

    facts: dict[int, planner.Facts] = field(default_factory=dict)
    points: dict[tuple[int, str], ContactPoint] = field(default_factory=dict)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    closed: dict[int, str] = field(default_factory=dict)
    had: Mapping[int, Had] = field(default_factory=dict)


@dataclass(slots=True)
class Asked:
    """By (contact id, channel), of the channels on which somebody is to be written to."""

    points: dict[tuple[int, str], ContactPoint] = field(default_factory=dict)
    permissions: dict[tuple[int, str], str] = field(default_factory=dict)
    noes: set[tuple[int, str]] = field(default_factory=set)


def gather_facts(
    *,
    enrolments: Sequence[Enrolment],
    flows: Mapping[int, Flow],
    now: datetime,
    asking: questions.Asking | None = None,
) -> Gathered:
    """`enrolments` with campaign (its gate and experiment), entry (and its stay), account and contact at hand. Raises
    TooSlowError where `asking` holds nobody for a question that is too slow."""
    accounts = sorted({row.account_id for row in enrolments})
    gathered = Gathered(subscriptions=billing.current_subscriptions(account_ids=accounts, now=now))
    asked = _ask_permissions(enrolments, flows)
    gathered.points = asked.points
    closed = eligibility.closed_gates(account_ids=accounts, now=now, subscriptions=gathered.subscriptions)
    gathered.closed = closed
    gathered.had = awaited.read_had(enrolment_ids=[row.pk for row in enrolments])
    awaited.settle(enrolments=enrolments, had=gathered.had)
    exits = find_exits(enrolments=enrolments, flows=flows, noes=asked.noes, closed=closed, had=gathered.had, now=now)
    conditions, unanswerable = _conditions(enrolments, flows, exits, now, asking or questions.Asking())
    drawn = ways.draw_ways(enrolments=enrolments, flows=flows)
    jumps = _jumps(enrolments, flows)
    for enrolment in enrolments:
        flow = flows[enrolment.version_id]
        gathered.facts[enrolment.pk] = planner.Facts(
            exits=frozenset(exits[enrolment.pk]),
            conditions=conditions[enrolment.pk],
            unanswerable=unanswerable.get(enrolment.version_id, {}),
            skips=_skips(enrolment, flow, asked),
            ways=drawn.get(enrolment.pk, {}),
            jumps=jumps.get(enrolment.pk, {}),
            zone=_zone(enrolment),
        )
    return gathered


def find_exits(
    *,
    enrolments: Sequence[Enrolment],
    flows: Mapping[int, Flow],
    noes: Collection[tuple[int, str]],
    closed: Collection[int],
    had: Mapping[int, Had],
    now: datetime,
) -> dict[int, set[str]]:
    """The reasons to leave that hold and that the campaign names in `exit_on`, by enrolment id. `noes`: contact id
    and channel where a person said no; where only nothing arrives, the messages of that channel are skipped. `closed`:
    the accounts nobody sells to now."""
    upgraded = _since_enrolled(enrolments, _newest_expansions(enrolments, now))
    refused = _since_enrolled(enrolments, _newest_refusals(enrolments, now))
    exits: dict[int, set[str]] = {}
    for enrolment in enrolments:
        spec = flows[enrolment.version_id].spec
        holds = {
            "CONVERTED": enrolment.pk in upgraded,
            "REFUSED": enrolment.pk in refused,
            "LEFT_SEGMENT": enrolment.entry.stay is not None and enrolment.entry.stay.left_at is not None,
            "OPTED_OUT": any((enrolment.contact_id, channel) in noes for channel in had[enrolment.pk].channels),
            "GATE_CLOSED": enrolment.account_id in closed or _is_stopped(enrolment),
        }
        exits[enrolment.pk] = {reason for reason in spec.exit_on if holds[reason]}
    return exits


def judge_exits(*, enrolments: Sequence[Enrolment], flows: Mapping[int, Flow], now: datetime) -> dict[int, set[str]]:
    """`find_exits` for a caller who has gathered nothing yet."""
    noes = _ask_permissions(enrolments, flows).noes
    closed = eligibility.closed_gates(account_ids=sorted({row.account_id for row in enrolments}), now=now)
    had = awaited.read_had(enrolment_ids=[row.pk for row in enrolments])
    return find_exits(enrolments=enrolments, flows=flows, noes=noes, closed=closed, had=had, now=now)


def _is_stopped(enrolment: Enrolment) -> bool:
    gate = enrolment.campaign.gate
    return gate is not None and gate.state == SendGate.State.STOPPED


def upgraded_since(*, enrolments: Sequence[Enrolment], now: datetime) -> set[int]:
    """The enrolments whose account's MRR grew after they began."""
    return _since_enrolled(enrolments, _newest_expansions(enrolments, now))


def _ask_permissions(enrolments: Sequence[Enrolment], flows: Mapping[int, Flow]) -> Asked:
    wanted: dict[str, dict[int, str]] = defaultdict(dict)
    contacts = {enrolment.contact_id: enrolment.contact for enrolment in enrolments}
    for enrolment in enrolments:
        flow = flows[enrolment.version_id]
        for channel in flow.channels():
            wanted[channel][enrolment.contact_id] = flow.spec.topic
    topics = {topic.slug: topic for topic in ConsentTopic.objects.all()}
    asked = Asked()
    for channel, people in wanted.items():
        made = points.ensure_points(contacts=[contacts[pk] for pk in people], channel=channel)
        for contact_id, point in made.items():
            topic = topics[people[contact_id]]
            asked.points[contact_id, channel] = point
            asked.permissions[contact_id, channel] = consent.permission(point=point, topic=topic)
            if consent.has_said_no(point=point, topic=topic):
                asked.noes.add((contact_id, channel))
    return asked


def _skips(enrolment: Enrolment, flow: Flow, asked: Asked) -> dict[str, str]:
    """Why a message step cannot reach this contact, while the sequence goes on without it."""
    skips: dict[str, str] = {}
    for step in flow.sequence.steps:
        if step.channel is None:
            continue
        person = (enrolment.contact_id, step.channel)
        answer = asked.permissions.get(person)
        if answer is None:
            skips[step.key] = Message.Reason.NO_ADDRESS
        elif answer == consent.OPTED_OUT and asked.points[person].gets_nothing:
            skips[step.key] = Message.Reason.SUPPRESSED
        elif answer != consent.GRANTED:
            skips[step.key] = answer
    return skips


def _conditions(
    enrolments: Sequence[Enrolment],
    flows: Mapping[int, Flow],
    exits: Mapping[int, set[str]],
    now: datetime,
    asking: questions.Asking,
) -> tuple[dict[int, dict[str, bool]], dict[int, dict[str, str]]]:
    """Every branch and asking wait of a version judged for all its enrolments at once, account and contact bound.
    Beside it, by version id, those that nobody can judge, and why: what they ask about was deleted since, or
    is no longer kept for so long, or takes too long to find out."""
    staying: dict[int, list[Enrolment]] = defaultdict(list)
    for enrolment in enrolments:
        if not exits[enrolment.pk] and enrolment.step_key:
            staying[enrolment.version_id].append(enrolment)
    conditions: dict[int, dict[str, bool]] = {enrolment.pk: {} for enrolment in enrolments}
    unanswerable: dict[int, dict[str, str]] = defaultdict(dict)
    for version_id, rows in staying.items():
        flow = flows[version_id]
        pairs = [(row.pk, row.account_id, row.contact_id) for row in rows]
        for step_key, document in flow.conditions.items():
            since = {row.pk: _waits_since(row, flow, step_key, now) for row in rows} if flow.asks(step_key) else None
            try:
                with asking.limited(question=(version_id, step_key), people=len(pairs)):
                    holding = evaluate.matching_pairs(
                        document=document, pairs=pairs, now=now, campaign=flow.spec.slug, since=since
                    )
            except (DefinitionError, questions.TooSlowError) as error:
                if isinstance(error, questions.TooSlowError) and not asking.holds:
                    raise
                unanswerable[version_id][step_key] = str(error)
                continue
            for row in rows:
                conditions[row.pk][step_key] = row.pk in holding
    return conditions, unanswerable


def _waits_since(enrolment: Enrolment, flow: Flow, step_key: str, now: datetime) -> datetime:
    """When it came to the wait for a condition; for one that comes to it by this look the end of the wait before."""
    if enrolment.step_key == step_key:
        return enrolment.step_entered_at
    stands_at = flow.sequence.step(enrolment.step_key)
    if stands_at is None or stands_at.kind is not planner.StepKind.WAIT or stands_at.is_asking:
        return now
    over = planner.end_of_wait(step=stands_at, entered_at=enrolment.step_entered_at, zone=_zone(enrolment))
    return min(over, now)


def _zone(enrolment: Enrolment) -> str:
    return windows.zone_of(contact_zone=enrolment.contact.time_zone, account_zone=enrolment.account.time_zone)


def _jumps(enrolments: Sequence[Enrolment], flows: Mapping[int, Flow]) -> dict[int, Counter[str]]:
    """How often each GOTO has led back; nothing is asked where no version has one."""
    jumping = [row.pk for row in enrolments if flows[row.version_id].has_jumps]
    found: dict[int, Counter[str]] = defaultdict(Counter)
    if jumping:
        rows = StepRun.objects.filter(enrolment_id__any=jumping, outcome=StepRun.Outcome.JUMPED)
        for enrolment_id, step_key in rows.values_list("enrolment_id", "step_key"):
            found[enrolment_id][step_key] += 1
    return found


def _newest_expansions(enrolments: Sequence[Enrolment], now: datetime) -> dict[int, datetime]:
    rows = MrrMovement.objects.filter(
        account_id__any={enrolment.account_id for enrolment in enrolments},
        kind=MrrMovement.Kind.EXPANSION,
        at__lte=now,
    )
    return dict(rows.order_by("at").values_list("account_id", "at"))


def _newest_refusals(enrolments: Sequence[Enrolment], now: datetime) -> dict[int, datetime]:
    rows = Refusal.objects.filter(account_id__any={enrolment.account_id for enrolment in enrolments}, at__lte=now)
    return dict(rows.order_by("at").values_list("account_id", "at"))


def _since_enrolled(enrolments: Sequence[Enrolment], newest: Mapping[int, datetime]) -> set[int]:
    return {
        enrolment.pk
        for enrolment in enrolments
        if enrolment.account_id in newest and newest[enrolment.account_id] >= enrolment.enrolled_at
    }
