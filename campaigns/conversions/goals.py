from __future__ import annotations

from campaigns.conversions.models import Goal
from campaigns.sequences.models import Campaign


def settle_goals() -> int:
    """A goal row for every launched campaign, as its live version says. Returns how many were new."""
    without = Campaign.objects.filter(live_version__isnull=False, goal__isnull=True).select_related("live_version")
    goals = [
        Goal(campaign=campaign, kind=said.get("kind", Goal.Kind.UPGRADE), window_days=said.get("window_days", 14))
        for campaign in without
        if campaign.live_version is not None and (said := campaign.live_version.definition.get("goal")) is not None
    ]
    Goal.objects.bulk_create(goals, ignore_conflicts=True)
    return len(goals)
