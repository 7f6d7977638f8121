"""The page of a test: verdict, whether the numbers can be trusted, ranges, evidence, money, stages, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.analytics import readout
from campaigns.analytics.arms import ArmFigures
from campaigns.analytics.readout import ExperimentReadout
from campaigns.console import experiment_figures, experiment_plots, marking, plots, verdict_words
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
    read, comparisons, stages = read_test(experiment=experiment, now=now)
    arms = [_arm(arm, place, campaign) for place, arm in enumerate(read.arms)]
    held = Arm("holdout", _("Held out"), "mark-hold", "icon-solid is-quiet", read.holdout)
    checks = list_checks(read=read, campaign=campaign)
    return {
        "section": "tests",
        "title": experiment.name,
        "experiment": experiment,
        "campaign": campaign,
        "read": read,
        "card": verdict_words.make_card(read=read, comparisons=comparisons, is_seeing=not can_decide),
        "checks": checks,
        "passed": sum(one.state == "ok" for one in checks),
        "plots": [experiment_plots.make_plot(read, one, place + 1) for place, one in enumerate(comparisons)],
        "evidence": experiment_plots.make_evidence(read=read, comparisons=comparisons),
        "arms": arms,
        "groups": [*arms, held],
        "stages": make_stages(arms, stages),
        "unsent": _unsent(arms, stages),
        "log": list_decisions(experiment=experiment, campaign=campaign),
        "currency": read.currency,
        "less": -(read.incremental.estimate or 0),
        "minimum": MINIMUM_CONVERSIONS,
        "newest_entry": experiment_figures.newest_entry_at(experiment=experiment),
    }


def read_test(
    *, experiment: Experiment, now: datetime
) -> tuple[ExperimentReadout, list[Comparison], dict[str, Stages]]:
    """Only accounts whose window is over: whoever entered yesterday has not had the time to upgrade."""
    read = readout.read_experiment(experiment=experiment, now=now, matured_only=True)
    stages = experiment_figures.account_stages(read=read)
    return read, experiment_figures.compare(read=read, stages=stages), stages


def list_checks(*, read: ExperimentReadout, campaign: Campaign) -> list[Check]:
    experiment = read.experiment
    fewest = min(arm.upgraded for arm in read.arms)
    waiting = waiting_accounts(read)
    both = experiment_figures.accounts_that_saw_both(experiment=experiment)
    scanned = experiment_figures.scanner_clicks(campaign_slug=campaign.slug)
    return [
        Check(
            _("The split is as planned"),
            _split_words(read),
            "bad" if read.sample_ratio.is_alarm else "ok",
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


def waiting_accounts(read: ExperimentReadout) -> int:
    """Drawn, but their window is not over yet."""
    since = read.as_of - timedelta(days=read.experiment.goal_window_days)
    rows = read.experiment.assignments.filter(at__gt=since, at__lte=read.as_of)
    if read.experiment.decided_at is not None:
        rows = rows.filter(at__lt=read.experiment.decided_at)
    return rows.count()


def make_stages(arms: Sequence[Arm], stages: dict[str, Stages]) -> list[Stage]:
    """Accounts per stage and arm with their share of all accounts of the arm."""
    names = {
        "assigned": _("In the test"),
        "sent": _("Sent"),
        "delivered": _("Delivered"),
        "clicked": _("Clicked"),
        "upgraded": _("Upgraded"),
    }
    found = []
    for key, name in names.items():
        cells = []
        for place, arm in enumerate(arms):
            of = stages.get(arm.key, Stages())
            number = getattr(of, key) if hasattr(of, key) else getattr(arm.figures, key)
            share = number / arm.figures.assigned if arm.figures.assigned else None
            cells.append(
                (number, percent(share, 0 if share == 1 else 1), plots.bar(share=share or 0.0, mark=plots.MARKS[place]))
            )
        found.append(Stage(name, cells))
    return found


def list_decisions(*, experiment: Experiment, campaign: Campaign) -> list[Entry]:
    subjects = [f"experiment:{experiment.slug}", f"campaign:{campaign.slug}"]
    rows = AuditEntry.objects.filter(subject__in=subjects).order_by("-at", "-pk")
    return [Entry(*_told(row, experiment), row.at) for row in rows[:50]]


def _arm(figures: ArmFigures, place: int, campaign: Campaign) -> Arm:
    letter = verdict_words.letter(figures.key)
    name = f"{letter}: {figures.name}" if figures.name else letter
    return Arm(
        figures.key,
        name,
        f"mark-{plots.MARKS[place]}",
        f"icon-solid v-{plots.MARKS[place]}",
        figures,
        _subject(campaign, figures.key),
    )


def _subject(campaign: Campaign, letter: str) -> SafeString | str:
    """How the compared message begins, as it is written."""
    version = campaign.live_version or campaign.draft_version
    steps = version.definition["steps"] if version else []
    step = next((one for one in steps if len(one.get("variants", {})) > 1), None)
    if step is None or letter not in step["variants"]:
        return ""
    content = step["variants"][letter]["content"]
    texts = content.get("en") or next(iter(content.values()))
    return marking.show_source(texts.get("subject") or texts.get("title") or texts.get("text", ""))


def _unsent(arms: Sequence[Arm], stages: dict[str, Stages]) -> str:
    numbers = [arm.figures.assigned - stages.get(arm.key, Stages()).sent for arm in arms]
    if not sum(numbers):
        return ""
    listed = _(" and ").join(count(number) for number in numbers)
    return _("%(numbers)s accounts got no message: opted out, no consent, weekly limit met, or not due yet.") % {
        "numbers": listed
    }


def _split_words(read: ExperimentReadout) -> str:
    ratio = read.sample_ratio
    parts = [
        _("%(name)s %(n)s, planned %(planned)s")
        % {
            "name": _("Held out") if key == "holdout" else verdict_words.letter(key),
            "n": count(number),
            "planned": count(round(ratio.expected.get(key, 0))),
        }
        for key, number in ratio.observed.items()
    ]
    return "; ".join(parts)


def _told(row: AuditEntry, experiment: Experiment) -> tuple[str, str]:
    reason = f": “{row.reason}”" if row.reason else "."
    names = {"who": row.actor, "reason": reason}
    after = row.after or {}
    if row.action == "campaign.launch":
        fixed = _(
            "%(who)s started the test. Fixed before the start: upgrades within %(days)s days, %(sure)s certainty, "
            "%(held)s held out, planned for %(n)s accounts."
        )
        return "lock", fixed % {
            "who": row.actor,
            "days": experiment.goal_window_days,
            "sure": percent(1 - float(experiment.alpha), 0),
            "held": percent(float(experiment.holdout_percent) / 100, 0),
            "n": count(experiment.planned_accounts),
        }
    if row.action == "experiment.choose_winner":
        winner = verdict_words.letter(after.get("winner", ""))
        return "ok", _("%(who)s chose %(winner)s%(reason)s") % {**names, "winner": winner}
    told = {
        "experiment.keep_running": ("eye", _("%(who)s looked and kept it running%(reason)s")),
        "campaign.paused": ("pause", _("%(who)s paused the campaign%(reason)s")),
        "campaign.live": ("live", _("%(who)s resumed the campaign%(reason)s")),
        "campaign.stopped": ("stop", _("%(who)s stopped the campaign%(reason)s")),
    }
    icon, words = told.get(row.action, ("info", f"%(who)s: {row.action}%(reason)s"))
    return icon, words % names
