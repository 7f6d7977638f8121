"""What the home page shows, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.analytics import campaign_needs, tiles
from campaigns.analytics import home as home_figures
from campaigns.analytics.home import CampaignRow, Need
from campaigns.console import attention, step_tree, task_list, verdict_words
from campaigns.console.templatetags.console import count, moment, money, percent
from campaigns.experiments.models import Experiment
from campaigns.sequences.models import Campaign

# What a person wants to see at a glance; the others stand on the page of all campaigns.
CAMPAIGNS_SHOWN = 8

_STATES = {
    Campaign.Status.DRAFT: ("is-quiet", "draft"),
    Campaign.Status.LIVE: ("is-ok", "live"),
    Campaign.Status.PAUSED: ("is-warn", "pause"),
    Campaign.Status.STOPPED: ("is-quiet", "stop"),
    Campaign.Status.FINISHED: ("is-quiet", "archive"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """`help` is how the figure is computed; `trend` is (icon, class, words)."""

    key: str
    label: str
    value: str
    help: str
    unit: str = ""
    note: str = ""
    trend: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One campaign in the table; None is shown as a dash."""

    name: str
    url: str
    state: str
    tone: str
    icon: str
    next: str
    accounts: int | None = None
    upgraded: float | None = None
    held_out: float | None = None
    earned: dict[str, Any] = field(default_factory=dict)


def gather(*, now: datetime, wall_now: datetime) -> dict[str, Any]:
    rows = home_figures.list_campaigns(now=now, limit=CAMPAIGNS_SHOWN)
    experiments = {row.campaign.experiment_id for row in rows if row.campaign.experiment_id}
    results = tiles.newest_results(experiment_ids=experiments)
    needs = [
        *campaign_needs.find_campaign_needs(
            campaigns=[row.campaign for row in rows], results=results, now=now, numbering=step_tree.number_steps
        ),
        *attention.stall_needs(now=now, wall_now=wall_now),
        *home_figures.find_needs(now=now),
        *task_needs(now=now),
    ]
    return {
        "needs": needs,
        "tiles": make_tiles(rows=rows, results=results, now=now),
        "campaigns": [make_line(row, results.get(row.campaign.experiment_id or 0), now=now) for row in rows],
        "campaigns_total": Campaign.objects.count(),
        "freshness": home_figures.read_freshness(now=now),
        "tasks": home_figures.running_tasks(),
        "currency": settings.REPORTING_CURRENCY,
    }


def task_needs(*, now: datetime) -> Iterator[Need]:
    """Calls that customers asked for; those that should have been made before today, else those of today."""
    asked = task_list.count_asked(now=now)
    if asked:
        title = ngettext("%(n)d customer asked to be called.", "%(n)d customers asked to be called.", asked)
        detail = _("They pressed “Call me” on the page of an offer, and read that we call.")
        yield Need(title % {"n": asked}, detail, "phone", "is-warn", reverse("admin:studio-tasks"), _("See the calls"))
    late, due = task_list.count_late(now=now), task_list.count_due(now=now)
    if late:
        title = ngettext("%(n)d call to a customer is late.", "%(n)d calls to customers are late.", late) % {"n": late}
    elif due:
        title = ngettext("%(n)d call to a customer is due today.", "%(n)d calls to customers are due today.", due)
        title %= {"n": due}
    else:
        return
    detail = _("No automatic message interferes while a call is open.")
    tone = "is-bad" if late else "is-warn"
    yield Need(title, detail, "csm", tone, reverse("admin:studio-tasks"), _("See the calls"))


def make_tiles(*, rows: list[CampaignRow], results: dict[int, tiles.Results], now: datetime) -> list[Tile]:
    recurring = tiles.read_recurring(now=now)
    if not recurring.accounts:
        return []
    running = [Campaign.Status.LIVE, Campaign.Status.PAUSED]
    read = [
        results[row.campaign.experiment_id]
        for row in rows
        if row.campaign.status in running and row.campaign.experiment_id in results
    ]
    made = [_recurring_tile(recurring), _expansion_tile(tiles.read_expansion(now=now))]
    if read:
        made += [_earned_tile(tiles.sum_earned(results=read), read), _upgraded_tile(tiles.sum_upgraded(results=read))]
    return made


def _recurring_tile(recurring: tiles.Recurring) -> Tile:
    accounts = ngettext("%(n)s account pays", "%(n)s accounts pay", recurring.accounts)
    return Tile(
        "mrr",
        _("MRR"),
        money(recurring.mrr, settings.REPORTING_CURRENCY),
        _("The monthly price of every running subscription at fixed exchange rates. A trial counts 0."),
        note=accounts % {"n": count(recurring.accounts)},
    )


def _expansion_tile(expansion: tiles.Expansion) -> Tile:
    change = expansion.change
    trend = None
    if change is not None:
        icon, tone = ("trend-up", "is-good") if change >= 0 else ("trend-down", "is-bad")
        words = _("%(share)s above the 30 days before") if change >= 0 else _("%(share)s below the 30 days before")
        trend = (icon, tone, words % {"share": percent(abs(change))})
    return Tile(
        "expansion",
        _("Expansion MRR"),
        money(expansion.mrr, settings.REPORTING_CURRENCY),
        _("What existing accounts pay more per month than before: upgrades, seats, add-ons. From billing."),
        note=_("Last 30 days, from billing"),
        trend=trend,
    )


def _earned_tile(earned: tiles.Earned, read: list[tiles.Results]) -> Tile:
    formula = _(
        "MRR per account of the accounts written to, less that of the accounts held out, times the accounts "
        "written to. The range holds however often you look."
    )
    if earned.estimate is None:
        return Tile("earned", _("Earned, live campaigns"), _("Not clear yet"), formula, note=_lacking(read))
    currency = settings.REPORTING_CURRENCY
    note = format_html(
        _("more MRR than the holdout, between {low} and {high}"),
        low=money(earned.low, currency),
        high=money(earned.high, currency),
    )
    if earned.unclear:
        words = ngettext("%(n)d campaign is not clear yet", "%(n)d campaigns are not clear yet", earned.unclear)
        note = format_html("{}. {}", note, words % {"n": earned.unclear})
    return Tile("earned", _("Earned, live campaigns"), money(earned.estimate, currency), formula, note=note)


def _lacking(read: list[tiles.Results]) -> str:
    """Which group keeps the amount from being clear; of several campaigns in the one that is nearest to it."""
    pairs = [(one["treated"]["upgraded"], one["holdout"]["upgraded"]) for one in read]
    treated, held_out = max(pairs, key=min)
    if not sum(one["treated"]["assigned"] for one in read):
        return _("Nobody’s days for upgrading are over yet")
    words = verdict_words.lacking(treated=treated, held_out=held_out)
    if not words:
        return _("Too little to compare yet")
    if len(read) > 1:
        return _("In the campaign that is nearest: %(what)s") % {"what": words}
    return words[:1].upper() + words[1:]


def _upgraded_tile(upgraded: tiles.Upgraded) -> Tile:
    note = _("%(share)s of the %(n)s accounts held out. Live campaigns") % {
        "share": percent(upgraded.held_out_share),
        "n": count(upgraded.held_out),
    }
    return Tile(
        "upgraded",
        _("Upgraded"),
        percent(upgraded.share),
        _("Accounts that went up to a higher plan within the goal’s days of entering, of all whose days are over."),
        unit=_("of %(n)s") % {"n": count(upgraded.accounts)},
        note=note if upgraded.held_out else _("Nobody whose days are over was held out"),
    )


def make_line(row: CampaignRow, read: tiles.Results | None, *, now: datetime) -> Line:
    campaign = row.campaign
    tone, icon = _STATES[Campaign.Status(campaign.status)]
    has_entered = campaign.status != Campaign.Status.DRAFT
    return Line(
        name=campaign.name,
        url=reverse("admin:studio-campaign", args=[campaign.slug]),
        state=_state_name(campaign.status),
        tone=tone,
        icon=icon,
        next=_next_thing(campaign, read, is_finished=row.is_finished, now=now),
        accounts=row.enrolled + row.holdout if has_entered else None,
        upgraded=read["treated"]["rate"] if read else None,
        held_out=read["holdout"]["rate"] if read else None,
        earned=dict(read["incremental"]) if read else {},
    )


def _state_name(status: str) -> str:
    names = {"DRAFT": _("Draft"), "LIVE": _("Live"), "PAUSED": _("Paused"), "STOPPED": _("Stopped")}
    return names.get(status) or _("Finished")


def _next_thing(campaign: Campaign, read: tiles.Results | None, *, is_finished: bool, now: datetime) -> str:
    if campaign.status == Campaign.Status.DRAFT:
        return _("Choose an audience") if campaign.segment is None else _("Review and launch")
    if campaign.status == Campaign.Status.PAUSED:
        return _("Paused since %(when)s") % {"when": moment(campaign.changed_at, now)}
    if is_finished or campaign.status != Campaign.Status.LIVE:
        return _("Over")
    experiment = campaign.experiment
    if experiment is None or read is None:
        return _("Runs")
    if experiment.status == Experiment.Status.DECIDED:
        return _("Decided")
    return _verdict_in_short(read)


def _verdict_in_short(read: tiles.Results) -> str:
    judged = read["verdict"]
    words = {
        "AHEAD": _("Decide the test"),
        "HARM": _("Decide the test"),
        "NO_DIFFERENCE": _("End the test"),
        "DATA_PROBLEM": _("Check the split"),
    }
    said = words.get(judged["kind"])
    return said or verdict_words.when(days_to_go=judged["days_to_go"], accounts_to_go=read.get("accounts_to_go"))
