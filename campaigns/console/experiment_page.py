"""The page of a test: verdict, whether the numbers can be trusted, ranges, evidence, money, stages, decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from campaigns.analytics import readout
from campaigns.analytics.arms import ArmFigures
from campaigns.analytics.readout import ExperimentReadout
from campaigns.console import (
    audit_words,
    campaign_words,
    experiment_figures,
    experiment_plots,
    marking,
    plots,
    samples,
    stopped_words,
    verdict_words,
)
from campaigns.console.experiment_figures import Comparison, Stages
from campaigns.console.templatetags.console import count, percent
from campaigns.experiments.models import Experiment
from campaigns.operations.models import AuditEntry
from campaigns.sequences.models import Campaign
from orchestrator.stats.incremental import MINIMUM_CONVERSIONS


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so before the numbers mean anything."""

    title: str
    detail: str
    state: str


@dataclass(frozen=True, slots=True)
class Arm:
    """One group of accounts as tables show it."""

    key: str
    name: str
    mark: str
    tone: str
    figures: ArmFigures
    subject: SafeString | str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    cells: list[tuple[int, str, SafeString]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    icon: str
    words: str
    at: datetime


def gather(*, experiment: Experiment, campaign: Campaign, can_decide: bool, now: datetime) -> dict[str, Any]:
    read, comparisons, _matured = read_test(experiment=experiment, now=now)
    subjects = _Subjects(campaign, now)
    arms = [_arm(arm, place, subjects.of(arm.key)) for place, arm in enumerate(read.arms)]
    stages = experiment_figures.account_stages(read=read, matured_only=False)
    held = Arm("holdout", _("Held out"), "mark-hold", "icon-solid is-quiet", read.holdout)
    checks = list_checks(read=read, campaign=campaign)
    return {
        "section": "tests",
        "title": experiment.name,
        "experiment": experiment,
        "campaign": campaign,
        "read": read,
        "card": verdict_words.make_card(
            read=read,
            comparisons=comparisons,
            is_seeing=not can_decide,
            stopped=stopped_words.sentence(campaign=campaign),
        ),
        "is_stopped": stopped_words.is_over(campaign=campaign),
        "checks": checks,
        "passed": sum(one.state == "ok" for one in checks),
        "plots": [experiment_plots.make_plot(read, one, place + 1) for place, one in enumerate(comparisons)],
        "evidence": experiment_plots.make_evidence(read=read, comparisons=comparisons),
        "arms": arms,
        "groups": [*arms, held],
        "stages": make_stages(arms, stages, days=experiment.goal_window_days),
        "unsent": _unsent(experiment),
        "log": list_decisions(experiment=experiment, campaign=campaign),
        "currency": read.currency,
        "earned": _earned(read),
        "minimum": MINIMUM_CONVERSIONS,
        "newest_entry": experiment_figures.newest_entry_at(experiment=experiment),
    }


def read_test(
    *, experiment: Experiment, now: datetime
) -> tuple[ExperimentReadout, list[Comparison], dict[str, Stages]]:
    """Only accounts whose window is over: whoever entered yesterday has not had the time to upgrade."""
    read = readout.read_experiment(experiment=experiment, now=now, matured_only=True)
    stages = experiment_figures.account_stages(read=read, matured_only=True)
    return read, experiment_figures.compare(read=read, stages=stages), stages


def list_checks(*, read: ExperimentReadout, campaign: Campaign) -> list[Check]:
    experiment = read.experiment
    fewest = min(arm.upgraded for arm in read.arms)
    waiting = read.waiting
    both = experiment_figures.accounts_that_saw_both(experiment=experiment)
    scanned = experiment_figures.scanner_clicks(campaign_slug=campaign.slug)
    return [
        Check(
            _("The split is as planned"),
            _split_words(read),
            _split_state(read),
        ),
        Check(
            _("Long enough"),
            ngettext("%(n)s day, at least %(least)s needed", "%(n)s days, at least %(least)s needed", read.days_running)
            % {"n": count(read.days_running), "least": experiment.minimum_days},
            "ok" if read.days_running >= experiment.minimum_days else "wait",
        ),
        Check(
            _("Enough upgrades"),
            _("%(n)s in the smaller group, at least %(least)s needed")
            % {"n": count(fewest), "least": MINIMUM_CONVERSIONS},
            "ok" if fewest >= MINIMUM_CONVERSIONS else "wait",
        ),
        Check(
            _("Only finished windows count"),
            ngettext("%(n)s newer account waits for day %(day)s", "%(n)s newer accounts wait for day %(day)s", waiting)
            % {"n": count(waiting), "day": experiment.goal_window_days},
            "ok",
        ),
        Check(
            _("Nobody saw both"),
            ngettext("%(n)s account changed group", "%(n)s accounts changed group", both) % {"n": count(both)},
            "ok" if both == 0 else "bad",
        ),
        Check(
            _("Scanners left out"),
            ngettext("%(n)s click by security software", "%(n)s clicks by security software", scanned)
            % {"n": count(scanned)},
            "ok",
        ),
    ]


def make_stages(arms: Sequence[Arm], stages: dict[str, Stages], *, days: int) -> list[Stage]:
    """Accounts per stage and arm with their share of all accounts of the arm.

    Upgrades, as the verdict counts them, are a share of the accounts whose window of `days` is over.
    """
    drawn = [arm.figures.assigned + arm.figures.waiting for arm in arms]
    over = [arm.figures.assigned for arm in arms]
    reached = [stages.get(arm.key, Stages()) for arm in arms]
    finished = ngettext("%(n)s day over", "%(n)s days over", days) % {"n": days}
    return [
        _stage(_("In the test"), drawn, drawn),
        _stage(_("Sent"), [one.sent for one in reached], drawn),
        _stage(_("Delivered"), [one.delivered for one in reached], drawn),
        _stage(_("Clicked"), [one.clicked for one in reached], drawn),
        _stage(finished, over, drawn),
        _stage(_("Upgraded of these"), [arm.figures.upgraded for arm in arms], over),
    ]


def _stage(name: str, numbers: Sequence[int], wholes: Sequence[int]) -> Stage:
    cells = []
    for mark, number, whole in zip(plots.MARKS, numbers, wholes, strict=False):
        share = number / whole if whole else None
        cells.append((number, percent(share, 0 if share == 1 else 1), plots.bar(share=share or 0.0, mark=mark)))
    return Stage(name, cells)


def list_decisions(*, experiment: Experiment, campaign: Campaign) -> list[Entry]:
    subjects = [f"experiment:{experiment.slug}", f"campaign:{campaign.slug}"]
    rows = AuditEntry.objects.filter(subject__in=subjects).exclude(action__in=audit_words.DECIDES_NOTHING)
    told = rows.order_by("-at", "-pk")[:50]
    return [Entry(*audit_words.tell(row, experiment=experiment), row.at) for row in told]


def _arm(figures: ArmFigures, place: int, subject: SafeString | str) -> Arm:
    letter = verdict_words.letter(figures.key)
    name = f"{letter}: {figures.name}" if figures.name else letter
    return Arm(
        figures.key,
        name,
        f"mark-{plots.MARKS[place]}",
        f"icon-solid v-{plots.MARKS[place]}",
        figures,
        subject,
    )


class _Subjects:
    """How the wordings of the compared message begin, filled in with the same made-up person's facts."""

    def __init__(self, campaign: Campaign, now: datetime) -> None:
        version = campaign.live_version or campaign.draft_version
        document: Mapping[str, Any] = version.definition if version else {"steps": []}
        compared = (step for step in document["steps"] if len(step.get("variants", {})) > 1)
        step: Mapping[str, Any] = next(compared, {})
        self.variants: Mapping[str, Any] = step.get("variants", {})
        self.facts = samples.make_facts(campaign=campaign, has_offer="offer" in document, now=now)

    def of(self, letter: str) -> SafeString | str:
        if letter not in self.variants:
            return ""
        content = self.variants[letter]["content"]
        spoken = (get_language() or "", "en")
        locale = next((one for one in spoken if one in content), next(iter(content)))
        texts = content[locale]
        source = texts.get("subject") or texts.get("title") or texts.get("text", "")
        return marking.line_of(source=source, facts=self.facts, locale=locale)


def _unsent(experiment: Experiment) -> str:
    """How many accounts were drawn to a wording and not written to, and why: the numbers add up."""
    reasons = experiment_figures.unsent_reasons(experiment=experiment)
    number = sum(reasons.values())
    if not number:
        return ""
    listed = ", ".join(f"{count(n)} {campaign_words.unsent_words(reason)}" for reason, n in reasons.items())
    words = ngettext("%(n)s account got no message: %(why)s.", "%(n)s accounts got no message: %(why)s.", number)
    return words % {"n": count(number), "why": listed}


def _earned(read: ExperimentReadout) -> tuple[float, str]:
    """The amount and the words beside it, which are as sure as its range is."""
    found = read.incremental
    if found.estimate is None or found.anytime_low is None or found.anytime_high is None:
        return 0.0, ""
    if found.anytime_low <= 0 <= found.anytime_high:
        return found.estimate, _("MRR beyond the held out, not clear yet: it may be nothing")
    return abs(found.estimate), _("MRR more than without it") if found.estimate > 0 else _("MRR less than without it")


def _split_state(read: ExperimentReadout) -> str:
    if read.sample_ratio.is_alarm:
        return "bad"
    return "ok" if sum(read.sample_ratio.observed.values()) else "wait"


def _split_words(read: ExperimentReadout) -> str:
    ratio = read.sample_ratio
    if not sum(ratio.observed.values()):
        return _("Nothing to check yet: nobody has had their %(days)s days") % {
            "days": read.experiment.goal_window_days
        }
    parts = [
        _("%(name)s %(n)s, planned %(planned)s")
        % {
            "name": _("Held out") if key == "holdout" else verdict_words.isolate(verdict_words.letter(key)),
            "n": count(number),
            "planned": count(round(ratio.expected.get(key, 0))),
        }
        for key, number in ratio.observed.items()
    ]
    return "; ".join(parts)
