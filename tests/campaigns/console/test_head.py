"""The line below a campaign's name."""

from __future__ import annotations

from datetime import UTC, datetime

from django.template.loader import render_to_string

from campaigns.sequences.models import Campaign, CampaignVersion


def test_the_head_says_since_when_the_version_runs_that_runs():
    launched = datetime(2026, 12, 11, 9, tzinfo=UTC)
    version = CampaignVersion(number=10, went_live_at=datetime(2026, 12, 26, 9, tzinfo=UTC))
    campaign = Campaign(launched_at=launched, launched_by="maria", live_version=version)

    def said() -> str:
        return render_to_string("console/campaigns/head.html", {"campaign": campaign, "inside": 0})

    assert "Launched on 11 December by maria; version 10 since 26 December<" in said()
    version.went_live_at = launched
    assert "Launched on 11 December by maria<" in said()
