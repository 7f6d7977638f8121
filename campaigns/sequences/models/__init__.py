from __future__ import annotations

from campaigns.sequences.models.campaigns import (
    Campaign,
    CampaignVersion,
    Enrolment,
    Entry,
    Snag,
    Step,
    StepRun,
    StepVariant,
)
from campaigns.sequences.models.snippets import Snippet, SnippetVersion

__all__ = [
    "Campaign",
    "CampaignVersion",
    "Enrolment",
    "Entry",
    "Snag",
    "Snippet",
    "SnippetVersion",
    "Step",
    "StepRun",
    "StepVariant",
]
