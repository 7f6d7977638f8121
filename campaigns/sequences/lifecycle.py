"""Pause, resume, stop: the gate and the campaign change together, and who did it is kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from campaigns.delivery import gates
from campaigns.operations.models import AuditEntry
from campaigns.sequences import exits, leave, shares
from campaigns.sequences.models import Campaign


class WrongStateError(Exception):
    """The campaign is not in a state from which this can be done; nothing was changed."""


@transaction.atomic
def pause(*, campaign: Campaign, by: str, now: datetime, reason: str = "") -> None:
    """When it returns and has committed, no new SENDING can be committed. Messages stay and go on with `resume`."""
    _change(campaign, {Campaign.Status.LIVE}, Campaign.Status.PAUSED, by, now, reason)
    gates.pause_gate(slug=campaign.slug, now=now)


@transaction.atomic
def resume(*, campaign: Campaign, by: str, now: datetime, reason: str = "") -> None:
    """What fell due meanwhile goes now, unless its send-by time has passed. Who has had a reason to leave since the
    pause leaves first. An event of the last day brings people in, an older one no longer (`enrol_events.LATEST`)."""
    _change(campaign, {Campaign.Status.PAUSED}, Campaign.Status.LIVE, by, now, reason)
    leave.leave_concerned(campaign=campaign, now=now)
    gates.open_gate(slug=campaign.slug, now=now)


@transaction.atomic
def stop(*, campaign: Campaign, by: str, now: datetime, reason: str = "") -> int:
    """For good: waiting messages are skipped, open enrolments end as STOPPED. Returns how many ended.

    Waits for an enrolling batch under way, so that nobody is taken in behind the stop.
    """
    shares.lock_all(slug=campaign.slug)
    _change(campaign, {Campaign.Status.LIVE, Campaign.Status.PAUSED}, Campaign.Status.STOPPED, by, now, reason)
    ended = exits.end_campaign(campaign=campaign, now=now)
    # After the enrolments: an advancing batch that held them has committed its messages by now.
    gates.stop_gate(slug=campaign.slug, now=now)
    return ended


def _change(
    campaign: Campaign, allowed: Collection[str], status: Campaign.Status, by: str, now: datetime, reason: str
) -> None:
    before = Campaign.objects.values_list("status", flat=True).get(pk=campaign.pk)
    changed = Campaign.objects.filter(pk=campaign.pk, status__in=list(allowed)).update(status=status, changed_at=now)
    if not changed:
        raise WrongStateError(f"{campaign.slug} is {before}: this needs {' or '.join(sorted(allowed))}.")
    AuditEntry.objects.create(
        at=now,
        actor=by,
        action=f"campaign.{status.lower()}",
        subject=f"campaign:{campaign.slug}",
        before={"status": before},
        after={"status": status},
        reason=reason,
    )
    campaign.status = status
