"""The list of tests, the review of one, its numbers as CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.analytics import tiles
from campaigns.console import experiment_figures, experiment_page, pages, verdict_words
from campaigns.experiments.models import Experiment
from campaigns.sequences.models import Campaign
from orchestrator import clock

DECIDE = "experiments.change_experiment"
_TONES = {"AHEAD": ("is-ok", "ok"), "HARM": ("is-bad", "warn"), "DATA_PROBLEM": ("is-warn", "block")}


@dataclass(frozen=True, slots=True)
class Line:
    """One test in the list, from its newest kept read-out."""

    name: str
    url: str
    campaign: str
    campaign_url: str
    is_running: bool
    accounts: int | None
    verdict: str
    verdict_tone: str
    verdict_icon: str
    started_at: datetime | None


def list_tests(request: HttpRequest) -> HttpResponse:
    campaigns = Campaign.objects.filter(experiment__isnull=False).select_related("experiment__winner")
    found = list(campaigns.order_by("-experiment__started_at", "-pk")[:200])
    results = tiles.newest_results(experiment_ids=[one.experiment_id for one in found if one.experiment_id])
    lines = [_line(campaign, results.get(campaign.experiment_id or 0)) for campaign in found]
    context = {
        "section": "tests",
        "title": _("Tests"),
        "running": [line for line in lines if line.is_running],
        "decided": [line for line in lines if not line.is_running],
    }
    return pages.show(request, "console/tests/list.html", context)


def show_test(request: HttpRequest, slug: str) -> HttpResponse:
    experiment, campaign = test_of(slug)
    context = experiment_page.gather(
        experiment=experiment,
        campaign=campaign,
        can_decide=request.user.has_perm(DECIDE),
        now=clock.utcnow(),
    )
    return pages.show(request, "console/tests/test.html", context)


def export_numbers(request: HttpRequest, slug: str) -> HttpResponse:
    """Level, method, p and looks stand here, for analysts: section, item, measure, value."""
    experiment, _campaign = test_of(slug)
    read, comparisons, _stages = experiment_page.read_test(experiment=experiment, now=clock.utcnow())
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="test-{experiment.slug}.csv"'
    writer = csv.writer(response)
    writer.writerow(["section", "item", "measure", "value"])
    for section, item, measure, value in experiment_figures.numbers(read=read, comparisons=comparisons):
        writer.writerow([section, item, measure, "" if value is None else value])
    return response


def test_of(slug: str) -> tuple[Experiment, Campaign]:
    campaign = (
        Campaign.objects.select_related("experiment__winner", "live_version", "draft_version")
        .filter(experiment__slug=slug)
        .first()
    )
    if campaign is None or campaign.experiment is None:
        raise Http404(_("There is no test %(slug)s.") % {"slug": slug})
    return campaign.experiment, campaign


def _line(campaign: Campaign, read: tiles.Results | None) -> Line:
    experiment = campaign.experiment
    assert experiment is not None, "Only campaigns with a test are listed."
    is_running = experiment.status == Experiment.Status.RUNNING
    judged: Mapping[str, Any] = read["verdict"] if read else {"kind": "", "days_to_go": None, "leader": None}
    missing = read.get("accounts_to_go") if read else None
    tone, icon = _TONES.get(judged["kind"], ("is-quiet", "clock"))
    words = verdict_words.short(
        kind=judged["kind"], leader=judged["leader"], days_to_go=judged["days_to_go"], accounts_to_go=missing
    )
    if (
        read
        and judged["kind"] != "DATA_PROBLEM"
        and experiment_figures.has_harmful_opt_outs(experiment=experiment, read=read)
    ):
        (tone, icon), words = (
            _TONES["HARM"],
            verdict_words.short(kind="HARM", leader=None, days_to_go=None, accounts_to_go=None),
        )
    if not is_running:
        winner = verdict_words.letter(experiment.winner.key if experiment.winner else "")
        words = _("%(winner)s was chosen") % {"winner": winner} if winner else _("Ended")
        tone, icon = "is-quiet", "ok"
    return Line(
        name=experiment.name,
        url=reverse("admin:studio-test", args=[experiment.slug]),
        campaign=campaign.name,
        campaign_url=reverse("admin:studio-campaign", args=[campaign.slug]),
        is_running=is_running,
        accounts=read["treated"]["assigned"] if read else None,
        verdict=words,
        verdict_tone=tone,
        verdict_icon=icon,
        started_at=experiment.started_at,
    )
