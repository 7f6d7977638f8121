"""The table of campaigns. What takes long to compute is read from the newest snapshots of their tests."""

from __future__ import annotations

from datetime import datetime

from campaigns.analytics import home as home_figures
from campaigns.analytics import tiles
from campaigns.analytics.home import CampaignRow
from campaigns.console import home_page
from campaigns.console.home_page import Line
from campaigns.sequences.models import Campaign

MOST = 100
# Running ones first, then what is being made, then what is over.
_ORDER = {Campaign.Status.LIVE: 0, Campaign.Status.PAUSED: 1, Campaign.Status.DRAFT: 2}


def rows(*, now: datetime, search: str = "", status: str = "") -> list[Line]:
    """At most a hundred, the most recently changed of each state first. `search` is for the name or the slug."""
    found = Campaign.objects.select_related("segment", "offer", "experiment", "live_version", "gate")
    if search:
        found = found.filter(name__icontains=search) | found.filter(slug__icontains=search)
    if status:
        found = found.filter(status=status)
    chosen = sorted(
        found.order_by("-changed_at", "-pk")[:MOST],
        key=lambda campaign: _ORDER.get(Campaign.Status(campaign.status), 3),
    )
    results = tiles.newest_results(experiment_ids={one.experiment_id for one in chosen if one.experiment_id})
    return [home_page.make_line(_row(one), results.get(one.experiment_id or 0), now=now) for one in chosen]


def _row(campaign: Campaign) -> CampaignRow:
    if campaign.status == Campaign.Status.DRAFT:
        return CampaignRow(campaign, 0, 0, 0, 0, 0, is_finished=False)
    return home_figures.campaign_row(campaign=campaign)
