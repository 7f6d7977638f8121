"""The list of tests: the running ones first, each with what its newest kept read-out says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.analytics import guardrails, tiles
from campaigns.console import stopped_words, verdict_words
from campaigns.console.listing import Asked, Filter
from campaigns.experiments.models import Experiment
from campaigns.sequences.models import Campaign

SORTS = ("-since", "name")
HEAD = ("test", "name", "campaign", "state", "accounts", "says", "since")
RUNNING, STOPPED, DECIDED = "RUNNING", "STOPPED", "DECIDED"
_TONES = {
    "AHEAD": ("is-ok", "ok"),
    "HARM": ("is-bad", "warn"),
    "DATA_PROBLEM": ("is-warn", "block"),
    "NO_DIFFERENCE": ("is-quiet", "flat"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One test in the list, from its newest kept read-out."""

    slug: str
    name: str
    url: str
    campaign: str
    campaign_url: str
    state: str
    state_name: str
    accounts: int | None
    verdict: str
    verdict_tone: str
    verdict_icon: str
    started_at: datetime | None


def filters() -> list[Filter]:
    names = _state_names()
    states = [("running", names[RUNNING]), ("stopped", names[STOPPED]), ("over", names[DECIDED])]
    return [Filter("state", _("State"), _("Every state"), states)]


def _state_names() -> dict[str, str]:
    return {RUNNING: _("Running"), STOPPED: _("Stopped"), DECIDED: _("Decided")}


def all_tests() -> QuerySet[Campaign]:
    return Campaign.objects.filter(experiment__isnull=False)


def find_tests(*, asked: Asked) -> QuerySet[Campaign]:
    """The campaigns of the tests that were found."""
    rows = all_tests().select_related("experiment__winner")
    if asked.words:
        rows = rows.filter(
            Q(experiment__name__icontains=asked.words)
            | Q(experiment__slug__icontains=asked.words)
            | Q(name__icontains=asked.words)
        )
    open_, stopped = Q(experiment__status=Experiment.Status.RUNNING), Q(status=Campaign.Status.STOPPED)
    running = open_ & ~stopped
    if asked.of("state"):
        rows = rows.filter({"running": running, "stopped": open_ & stopped}.get(asked.of("state"), ~open_))
    if asked.sort.endswith("name"):
        return rows.order_by("-experiment__name" if asked.sort == "-name" else "experiment__name", "-pk")
    if asked.sort == "since":
        return rows.order_by("experiment__started_at", "pk")
    first = Case(When(running, then=Value(0)), default=Value(1), output_field=IntegerField())
    return rows.order_by(first, "-experiment__started_at", "-pk")


def make_lines(*, campaigns: Sequence[Campaign]) -> list[Line]:
    results = tiles.newest_results(experiment_ids=[one.experiment_id for one in campaigns if one.experiment_id])
    return [_line(campaign, results.get(campaign.experiment_id or 0)) for campaign in campaigns]


def cells(*, campaigns: Sequence[Campaign]) -> Iterator[list[object]]:
    for line in make_lines(campaigns=campaigns):
        yield [line.slug, line.name, line.campaign, line.state, line.accounts, line.verdict, line.started_at]


def _line(campaign: Campaign, read: tiles.Results | None) -> Line:
    experiment = campaign.experiment
    assert experiment is not None, "Only campaigns with a test are listed."
    is_stopped = stopped_words.is_over(campaign=campaign)
    is_open = experiment.status == Experiment.Status.RUNNING
    state = STOPPED if is_stopped else RUNNING if is_open else DECIDED
    judged: Mapping[str, Any] = read["verdict"] if read else {"kind": "", "days_to_go": None, "leader": None}
    missing = read.get("accounts_to_go") if read else None
    is_alone = read is not None and len(read["arms"]) == 1
    tone, icon = _TONES.get(judged["kind"], ("is-quiet", "flat" if is_alone else "clock"))
    words = verdict_words.short(
        kind=judged["kind"],
        leader=judged["leader"],
        days_to_go=judged["days_to_go"],
        accounts_to_go=missing,
        is_alone=is_alone,
        is_stopped=is_stopped,
    )
    if read and judged["kind"] != "DATA_PROBLEM" and guardrails.has_harmful_opt_outs(experiment=experiment, read=read):
        (tone, icon), words = (
            _TONES["HARM"],
            verdict_words.short(kind="HARM", leader=None, days_to_go=None, accounts_to_go=None),
        )
    if not is_open:
        winner = verdict_words.letter(experiment.winner.key if experiment.winner else "")
        words = _("%(winner)s was chosen") % {"winner": winner} if winner else _("Ended")
        tone, icon = "is-quiet", "ok"
    return Line(
        slug=experiment.slug,
        name=experiment.name,
        url=reverse("admin:studio-test", args=[experiment.slug]),
        campaign=campaign.name,
        campaign_url=reverse("admin:studio-campaign", args=[campaign.slug]),
        state=state,
        state_name=_state_names()[state],
        accounts=read["treated"]["assigned"] + read["treated"]["waiting"] if read else None,
        verdict=words,
        verdict_tone=tone,
        verdict_icon=icon,
        started_at=experiment.started_at,
    )
