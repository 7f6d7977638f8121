"""The page of a test: verdict in words, whether the numbers can be trusted, ranges, evidence, money, stages, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language_bidi, ngettext
from django.utils.translation import gettext as _

from campaigns.analytics import readout
from campaigns.analytics.arms import ArmFigures
from campaigns.analytics.readout import ExperimentReadout
from campaigns.console import experiment_figures, marking, plots, verdict_words
from campaigns.console.experiment_figures import Comparison, Difference, Stages
from campaigns.console.templatetags.console import count, money, percent
from campaigns.experiments.models import Experiment, Snapshot
from campaigns.operations.models import AuditEntry
from campaigns.sequences.models import Campaign
from orchestrator.stats.incremental import MINIMUM_CONVERSIONS

MARKS = "abcd"
# So many of the days that evidence was kept are drawn and listed.
MOST_MOMENTS, MOST_ROWS = 60, 8


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so before the numbers mean anything."""

    title: str
    detail: str
    state: str


@dataclass(frozen=True, slots=True)
class Row:
    """One difference in the plot, and its line in the table."""

    title: str
    detail: str
    figure: SafeString
    value: str
    spread: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    meta: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Plot:
    title: str
    mark: str
    groups: list[Group]
    scale: SafeString


@dataclass(frozen=True, slots=True)
class Evidence:
    figure: SafeString
    caption: str
    rows: list[list[str]]


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
    cells: list[tuple[int, float | None, SafeString]] = field(default_factory=list)


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
        "plots": [make_plot(read, one, place + 1) for place, one in enumerate(comparisons)],
        "evidence": make_evidence(experiment=experiment, comparisons=comparisons),
        "arms": arms,
        "groups": [*arms, held],
        "stages": make_stages(arms, stages),
        "unsent": _unsent(arms, stages),
        "log": list_decisions(experiment=experiment, campaign=campaign),
        "currency": read.currency,
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


def make_plot(read: ExperimentReadout, one: Comparison, place: int) -> Plot:
    mark = MARKS[place]
    letter, control = verdict_words.letter(one.challenger.key), verdict_words.letter(one.control.key)
    shares = [one.upgrades, one.opt_outs]
    ends = [100 * end for each in shares for end in (each.low, each.high) if end is not None]
    axis = plots.make_axis([*ends, 100 * experiment_figures.OPT_OUT_LIMIT])
    groups = [
        Group(_("The goal"), _("percentage points"), [_share_row(axis, one, mark, letter, control)]),
        Group(
            _("The money"),
            _("%(currency)s a month per account in the test, on its own scale") % {"currency": read.currency},
            [_money_row(one, mark, letter, control, read.currency)],
        ),
        Group(
            _("Nothing may get worse"),
            _("percentage points; dashed red: the limit"),
            [_opt_out_row(axis, one, letter, control)],
        ),
    ]
    labels = [_signed(tick) for tick in axis.ticks]
    title = _("%(letter)s compared with %(control)s") % {"letter": letter, "control": control}
    return Plot(title, mark, groups, plots.scale(axis=axis, labels=labels))


def make_evidence(*, experiment: Experiment, comparisons: Sequence[Comparison]) -> Evidence | None:
    """From the kept read-outs, one a day; None until there are two of them."""
    if not comparisons:
        return None
    about = comparisons[0].challenger.key
    moments = kept_moments(experiment=experiment, variant=about)
    if len(moments) < 2:
        return None
    axis = plots.evidence_axis(moments)
    left = plots.since_it_left_zero(moments)
    rtl = get_language_bidi()
    labels = [_signed(tick) for tick in axis.ticks]
    labels[-1] = _("%(tick)s pts") % {"tick": labels[-1]}
    figure = plots.evidence(
        moments=moments,
        mark=MARKS[1],
        labels=labels,
        axis=axis,
        left_zero=left,
        note=_("Range leaves zero"),
        rtl=rtl,
    )
    caption = _("Difference in upgrades, %(letter)s minus %(control)s, in points, as people saw it then.") % {
        "letter": verdict_words.letter(about),
        "control": verdict_words.letter(comparisons[0].control.key),
    }
    if left is not None:
        caption += " " + _("The range left zero on %(day)s.") % {"day": moments[left].label}
    else:
        caption += " " + _("The range still contains zero.")
    return Evidence(figure, caption, _evidence_rows(moments))


def kept_moments(*, experiment: Experiment, variant: str) -> list[plots.Moment]:
    rows = Snapshot.objects.filter(experiment=experiment).order_by("at", "pk")
    by_day: dict[Any, plots.Moment] = {}
    for at, results in rows.values_list("at", "results").iterator(chunk_size=500):
        judged = results["verdict"]
        if judged["variant"] != variant or judged["low"] is None:
            continue
        by_day[at.date()] = plots.Moment(
            date_format(at, "j M"), 100 * judged["estimate"], 100 * judged["low"], 100 * judged["high"]
        )
    moments = list(by_day.values())
    return _thinned(moments, MOST_MOMENTS)


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
            cells.append((number, share, plots.bar(share=share or 0.0, mark=MARKS[place])))
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
        f"mark-{MARKS[place]}",
        f"icon-solid v-{MARKS[place]}",
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


def _share_row(axis: plots.Axis, one: Comparison, mark: str, letter: str, control: str) -> Row:
    cells = [_("Accounts that upgraded"), *_cells(one.upgrades), "–"]
    rates = _rates(one.challenger.rate, one.control.rate, letter, control)
    return Row(
        _("Accounts that upgraded"),
        f"{_('decides the test')}; {rates}",
        _figure(axis, one.upgrades, mark),
        verdict_words.points(one.upgrades.estimate, signed=True),
        _spread(one.upgrades),
        cells,
    )


def _money_row(one: Comparison, mark: str, letter: str, control: str, currency: str) -> Row:
    found = one.money
    ends = [end for end in (found.low, found.high) if end is not None]
    axis = _money_axis(ends)
    detail = _("%(before)s with %(control)s, %(after)s with %(letter)s") % {
        "before": money(one.control.mrr_per_account, currency),
        "control": control,
        "after": money(one.challenger.mrr_per_account, currency),
        "letter": letter,
    }
    value = _signed_money(found.estimate, currency)
    low, high = _signed_money(found.low, currency), _signed_money(found.high, currency)
    spread = _("%(low)s to %(high)s") % {"low": low, "high": high} if ends else _("not clear yet")
    figure = (
        plots.interval(axis=axis, low=found.low, estimate=found.estimate or 0.0, high=found.high, mark=mark)
        if found.low is not None and found.high is not None
        else SafeString("<span></span>")
    )
    return Row(_("Expansion MRR"), detail, figure, value, spread, [_("Expansion MRR"), value, low, high, "–"])


def _opt_out_row(axis: plots.Axis, one: Comparison, letter: str, control: str) -> Row:
    limit = experiment_figures.OPT_OUT_LIMIT
    before = one.control_stages.opted_out / one.control.assigned if one.control.assigned else None
    after = one.stages.opted_out / one.challenger.assigned if one.challenger.assigned else None
    word = _("within the limit") if one.is_safe else _("not clear yet")
    if one.is_harmful:
        word = _("over the limit")
    return Row(
        _("Unsubscribed"),
        _rates(after, before, letter, control),
        _figure(axis, one.opt_outs, "quiet", limit=100 * limit),
        verdict_words.points(one.opt_outs.estimate, signed=True),
        word,
        [_("Unsubscribed"), *_cells(one.opt_outs), verdict_words.points(limit, signed=True)],
    )


def _figure(axis: plots.Axis, found: Difference, mark: str, *, limit: float | None = None) -> SafeString:
    if found.low is None or found.high is None or found.estimate is None:
        return SafeString("<span></span>")
    return plots.interval(
        axis=axis, low=100 * found.low, estimate=100 * found.estimate, high=100 * found.high, mark=mark, limit=limit
    )


def _money_axis(ends: Sequence[float]) -> plots.Axis:
    return plots.make_axis(ends or [-1.0, 1.0])


def _cells(found: Difference) -> list[str]:
    return [verdict_words.points(one, signed=True) for one in (found.estimate, found.low, found.high)]


def _spread(found: Difference) -> str:
    if found.low is None:
        return _("not clear yet")
    return _("%(low)s to %(high)s") % {
        "low": verdict_words.points(found.low, signed=True),
        "high": verdict_words.points(found.high, signed=True),
    }


def _rates(after: float | None, before: float | None, letter: str, control: str) -> str:
    return _("%(before)s with %(control)s, %(after)s with %(letter)s") % {
        "before": percent(before),
        "control": control,
        "after": percent(after),
        "letter": letter,
    }


def _signed_money(value: float | None, currency: str) -> str:
    if value is None:
        return "–"
    shown = str(money(abs(value), currency)).removeprefix('<bdi dir="ltr">').removesuffix("</bdi>")
    sign = "−" if value < 0 else "+"
    return f"{sign}{shown}"


def _signed(tick: float) -> str:
    if tick == 0:
        return "0"
    text = number_format(abs(tick), 0 if tick == int(tick) else 1)
    return f"−{text}" if tick < 0 else f"+{text}"


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


def _evidence_rows(moments: Sequence[plots.Moment]) -> list[list[str]]:
    shown = _thinned(moments, MOST_ROWS)
    return [
        [one.label, *(verdict_words.points(x / 100, signed=True) for x in (one.estimate, one.low, one.high))]
        for one in shown
    ]


def _thinned(moments: Sequence[plots.Moment], most: int) -> list[plots.Moment]:
    """Evenly, the last one always among them."""
    if len(moments) <= most:
        return list(moments)
    step = (len(moments) - 1) / (most - 1)
    return [moments[round(place * step)] for place in range(most)]


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
