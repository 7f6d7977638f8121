"""Which campaigns the demo runs: each needs so many days of history for its segment to mean anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from campaigns.cli.demo import campaign, growth, single_sign_on


@dataclass(frozen=True, slots=True)
class DemoCampaign:
    slug: str
    needed_days: int
    document: Callable[[], dict[str, Any]]


# The first is the one whose estimate is held against the truth over many seeds.
ALL = (
    DemoCampaign(campaign.SLUG, 1, campaign.campaign_file),
    DemoCampaign(growth.SLUG, growth.NEEDED_DAYS, growth.campaign_file),
    DemoCampaign(single_sign_on.SLUG, single_sign_on.NEEDED_DAYS, single_sign_on.campaign_file),
)


def choose(*, days: int) -> tuple[DemoCampaign, ...]:
    return tuple(one for one in ALL if one.needed_days <= days)
