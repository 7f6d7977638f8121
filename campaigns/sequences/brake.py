"""A campaign that is unwelcome is paused by itself, before the mailbox providers and carriers judge the sender."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from campaigns.delivery import unwelcome
from campaigns.delivery.unwelcome import Unwelcome
from campaigns.operations.models import AuditEntry
from campaigns.sequences import lifecycle
from campaigns.sequences.models import Campaign

OURSELVES = "crescendo"


def pause_unwelcome(*, now: datetime) -> list[str]:
    """The slugs of those that were paused. A person may let them go on; then only what goes out from there counts."""
    found: dict[str, list[str]] = {}
    for one in unwelcome.find_unwelcome(now=now):
        found.setdefault(one.campaign, []).append(_why(one))
    running = Campaign.objects.filter(slug__in=found, status=Campaign.Status.LIVE).order_by("slug")
    return [campaign.slug for campaign in running if _paused(campaign, " ".join(found[campaign.slug]), now)]


def paused_by_itself() -> list[tuple[Campaign, str]]:
    """Campaigns that still rest for it, and why."""
    paused = {f"campaign:{one.slug}": one for one in Campaign.objects.filter(status=Campaign.Status.PAUSED)}
    newest = AuditEntry.objects.filter(subject__in=paused, action="campaign.paused").order_by("subject", "-at", "-pk")
    return [(paused[one.subject], one.reason) for one in newest.distinct("subject") if one.actor == OURSELVES]


def _paused(campaign: Campaign, why: str, now: datetime) -> bool:
    try:
        lifecycle.pause(campaign=campaign, by=OURSELVES, now=now, reason=why)
    except lifecycle.WrongStateError:
        # Somebody else was quicker.
        return False
    return True


def _why(one: Unwelcome) -> str:
    if one.channel == "email":
        limit = settings.COMPLAINTS_PAUSE_PERCENT
        return f"{one.number} of {one.of} readers reported it as unwanted: more than {limit:g} %."
    limit = settings.FILTERED_TEXTS_PAUSE_PERCENT
    return f"The phone networks held back {one.number} of {one.of} texts as unwanted: more than {limit:g} %."
