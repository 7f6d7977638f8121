"""The numbers of a test's page that the read-out does not bring: differences with ranges, stages by account, checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, F, Q, QuerySet, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform

from campaigns.analytics.arms import ArmFigures
from campaigns.analytics.guardrails import OPT_OUT_LIMIT
from campaigns.analytics.readout import ExperimentReadout
from campaigns.delivery.models import Message, ProviderEvent
from campaigns.experiments import selectors as experiments
from campaigns.experiments.models import Experiment
from campaigns.sequences.models import Enrolment
from orchestrator.channels.events import EventType, Grade
from orchestrator.stats import effects, sequential
from orchestrator.stats.effects import NotEnoughData, Sample
from orchestrator.stats.means import MeanArm
from orchestrator.stats.proportions import ProportionArm


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus control with its any-look range and p; None where there is too little to say."""

    estimate: float | None
    low: float | None
    high: float | None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Stages:
    """Accounts of one arm: of those drawn, to how many a message was sent, delivered, and so on."""

    sent: int = 0
    delivered: int = 0
    clicked: int = 0
    opted_out: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One challenger against the control. `opt_outs` is the guardrail."""

    challenger: ArmFigures
    control: ArmFigures
    upgrades: Difference
    money: Difference
    opt_outs: Difference
    stages: Stages
    control_stages: Stages

    @property
    def is_harmful(self) -> bool:
        """More opt-outs than the limit, whatever the truth in the range is."""
        return self.opt_outs.low is not None and self.opt_outs.low > OPT_OUT_LIMIT

    @property
    def is_safe(self) -> bool:
        return self.opt_outs.high is not None and self.opt_outs.high <= OPT_OUT_LIMIT


def compare(*, read: ExperimentReadout, stages: dict[str, Stages]) -> list[Comparison]:
    """Every challenger against the control, in the order of the design. The first to read is the verdict's."""
    control = read.arms[0]
    return [
        Comparison(
            challenger=arm,
            control=control,
            upgrades=_difference(read, control, arm, _rate(control, control.upgraded), _rate(arm, arm.upgraded)),
            money=_difference(read, control, arm, _money(control), _money(arm)),
            opt_outs=_difference(
                read,
                control,
                arm,
                _rate(control, stages.get(control.key, Stages()).opted_out),
                _rate(arm, stages.get(arm.key, Stages()).opted_out),
            ),
            stages=stages.get(arm.key, Stages()),
            control_stages=stages.get(control.key, Stages()),
        )
        for arm in read.arms[1:]
    ]


def account_stages(*, read: ExperimentReadout, matured_only: bool) -> dict[str, Stages]:
    """By arm, of all accounts drawn or, as the verdict counts, of those whose window is over."""
    rows = _enrolments(read.experiment)
    if matured_only:
        rows = rows.filter(entry__at__lte=read.as_of - timedelta(days=read.experiment.goal_window_days))
    counted = rows.values("arm").annotate(
        sent=Count("account", distinct=True, filter=_came_to("sent", "accepted_at")),
        delivered=Count("account", distinct=True, filter=_came_to("delivered", "delivered_at")),
        clicked=Count("account", distinct=True, filter=_came_to("clicked", "clicked_at")),
        opted_out=Count("account", distinct=True, filter=_came_to("opted_out", "unsubscribed_at", "complained_at")),
    )
    return {
        row["arm"]: Stages(row["sent"], row["delivered"], row["clicked"], row["opted_out"])
        for row in counted.order_by("arm")
    }


def unsent_reasons(*, experiment: Experiment) -> dict[str, int]:
    """{reason: accounts} of those drawn to a wording and not written to yet, most first, one reason for each.

    A message's `Reason`, DUE for one that is still to go, EXPIRED for one that came too late, UNDETERMINED for one of
    which the provider never said, FAILED for one that could not be handed over, NONE without any message. What is
    still to go comes before why another did not.
    """
    drawn = _enrolments(experiment)
    written = drawn.filter(_came_to("sent", "accepted_at")).values("account")
    unsent = drawn.exclude(account__in=written)
    opened = [state.value for state in Message.OPEN]
    skipped = Q(runs__message__state=Message.State.SKIPPED)
    past_skipped = Q(runs__past__state=Message.State.SKIPPED)
    ended = (Message.State.EXPIRED, Message.State.UNDETERMINED)
    without = Q(runs__message__isnull=True, runs__past__isnull=True)
    found = unsent.annotate(
        why=Case(
            When(without, then=Value("NONE")),
            When(runs__message__state__in=opened, then=Value("DUE")),
            When(skipped, then=F("runs__message__reason")),
            When(past_skipped, then=KeyTextTransform("reason", "runs__past")),
            When(runs__message__state__in=ended, then=F("runs__message__state")),
            When(runs__past__state__in=ended, then=KeyTextTransform("state", "runs__past")),
            default=Value("FAILED"),
            output_field=TextField(),
        ),
        rank=Case(
            When(runs__message__state__in=opened, then=Value(0)),
            When(skipped | past_skipped, then=Value(1)),
            When(without, then=Value(3)),
            default=Value(2),
        ),
    )
    first = found.order_by("account_id", "rank", "-runs__pk").distinct("account_id").values_list("why", flat=True)
    return dict(Counter(first.iterator(chunk_size=2000)).most_common())


def accounts_that_saw_both(*, experiment: Experiment) -> int:
    """Accounts that got another wording than the one they were drawn for."""
    rows = _enrolments(experiment).exclude(arm=F("entry__assignment__variant__key"))
    return rows.values("account").distinct().count()


def scanner_clicks(*, campaign_slug: str) -> int:
    """Clicks that were graded as made by a machine and so count nowhere."""
    messages = Message.objects.counted().filter(origin_campaign=campaign_slug).values("uuid")
    rows = ProviderEvent.objects.filter(type=EventType.CLICKED, grade=Grade.SCANNER, message__in=messages)
    return rows.count()


def newest_entry_at(*, experiment: Experiment) -> datetime | None:
    return experiment.assignments.order_by("-at").values_list("at", flat=True).first()


def numbers(*, read: ExperimentReadout, comparisons: list[Comparison]) -> Iterator[tuple[str, str, str, object]]:
    """Everything behind the page as (section, item, measure, value), for the CSV."""
    for arm in [*read.arms, read.holdout]:
        for name in ("weight", "assigned", "waiting", "upgraded", "rate", "mrr", "mrr_squares", "attributed_mrr"):
            yield "group", arm.key, name, getattr(arm, name)
    for one in comparisons:
        item = f"{one.challenger.key} minus {one.control.key}"
        for measure in ("upgrades", "money", "opt_outs"):
            difference: Difference = getattr(one, measure)
            for name in ("estimate", "low", "high", "p"):
                yield "difference", item, f"{measure}_{name}", getattr(difference, name)
    for name in ("estimate", "low", "high", "anytime_low", "anytime_high", "per_account", "se", "is_clear", "reason"):
        yield "incremental_mrr", "treated minus holdout", name, getattr(read.incremental, name)
    yield "verdict", "test", "kind", read.verdict.kind
    yield "verdict", "test", "leader", read.verdict.leader
    yield "verdict", "test", "reasons", " ".join(read.verdict.reasons)
    yield "verdict", "test", "days_to_go", read.verdict.days_to_go
    yield "method", "test", "interval", "asymptotic confidence sequence"
    yield "method", "test", "alpha", read.experiment.alpha
    yield "method", "test", "planned_accounts", read.experiment.planned_accounts
    yield "method", "test", "looks", experiments.count_looks(experiment=read.experiment)
    yield "method", "test", "only_finished_windows", read.matured_only
    yield "method", "test", "split_p", read.sample_ratio.p
    yield "method", "test", "salt", read.experiment.salt
    yield "method", "test", "as_of", read.as_of.isoformat()
    yield "method", "test", "currency", read.currency


def _enrolments(experiment: Experiment) -> QuerySet[Enrolment]:
    """Of accounts drawn at random: after a decision nobody is any more."""
    rows = Enrolment.objects.filter(entry__assignment__experiment=experiment)
    if experiment.decided_at is not None:
        rows = rows.filter(entry__assignment__at__lt=experiment.decided_at)
    return rows


def _came_to(fact: str, *columns: str) -> Q:
    """On enrolments: a message of theirs has the fact, also one that is no longer kept."""
    found = Q(runs__past__facts__contains=[fact])
    for column in columns:
        found |= Q(**{f"runs__message__{column}__isnull": False})
    return found


def _rate(arm: ArmFigures, number: int) -> Sample:
    return ProportionArm(arm.assigned, min(number, arm.assigned)).sample()


def _money(arm: ArmFigures) -> Sample:
    return MeanArm(arm.assigned, float(arm.mrr), float(arm.mrr_squares)).sample()


def _difference(
    read: ExperimentReadout, control: ArmFigures, arm: ArmFigures, before: Sample, after: Sample
) -> Difference:
    """As the verdict judges it: alpha shared by the challengers, N* by the pair's planned share."""
    effect = effects.absolute_effect(control=before, treatment=after)
    if isinstance(effect, NotEnoughData):
        return Difference(after.mean - before.mean if before.n and after.n else None, None, None)
    alpha = float(read.experiment.alpha) / max(len(read.arms) - 1, 1)
    weights = sum(one.weight for one in read.arms) or 1
    n_star = read.experiment.planned_accounts * (arm.weight + control.weight) / weights
    found = sequential.acs_interval(effect, n_star=n_star, alpha=alpha)
    return Difference(effect.estimate, found.low, found.high, sequential.acs_p(effect, n_star=n_star, alpha=alpha))
