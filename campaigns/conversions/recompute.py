"""A goal that was edited is a question about the past too: what counts as success is found anew for everybody who ever
entered the campaign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min

from campaigns.billing.models import MrrMovement
from campaigns.conversions import credit, find
from campaigns.conversions.models import AttributionCredit, Conversion, Goal
from campaigns.delivery import outcome
from campaigns.operations import pulling
from campaigns.operations.models import AuditEntry
from campaigns.sequences import campaign_file
from campaigns.sequences.models import Entry


@dataclass(frozen=True, slots=True)
class Recomputed:
    campaign: str
    gone: int
    found: int


def recompute_changed(*, now: datetime) -> list[Recomputed]:
    """Every goal that the version which runs says otherwise than it was counted so far."""
    goals = Goal.objects.select_related("campaign__live_version")
    changed = [goal for goal in goals if (days := _said(goal)) is not None and days != goal.window_days]
    return [_recompute(goal, now) for goal in changed]


def _said(goal: Goal) -> int | None:
    version = goal.campaign.live_version
    said = version.definition.get("goal") if version is not None else None
    return said.get("window_days", campaign_file.GOAL_DAYS) if said is not None else None


@transaction.atomic
def _recompute(goal: Goal, now: datetime) -> Recomputed:
    """Under the cursor of those who find conversions: nobody counts by the old goal meanwhile."""
    pulling.lock_cursor(name=find.CURSOR)
    before, days = goal.window_days, _said(goal)
    assert days is not None, "Asked before."
    Goal.objects.filter(pk=goal.pk).update(window_days=days)
    goal.window_days = days
    credited = set(AttributionCredit.objects.filter(conversion__goal=goal).values_list("message_id", flat=True))
    AttributionCredit.objects.filter(conversion__goal=goal).delete()
    gone = _drop_outside(goal)
    kept = Conversion.objects.filter(goal=goal).select_related("goal", "entry__campaign", "account")
    credit.credit_conversions(conversions=list(kept))
    found = _find_missing(goal, now)
    still = AttributionCredit.objects.filter(message_id__in=credited).values_list("message_id", flat=True)
    outcome.clear_converted(message_ids=sorted(credited - set(still)))
    AuditEntry.objects.create(
        at=now,
        actor="system",
        action="goal.recomputed",
        subject=f"campaign:{goal.campaign.slug}",
        before={"window_days": before},
        after={"window_days": days, "gone": gone, "found": found},
    )
    return Recomputed(goal.campaign.slug, gone, found)


def _drop_outside(goal: Goal) -> int:
    """What the CRM was told of them stays told, and who left for them stays out."""
    rows = Conversion.objects.filter(goal=goal).select_related("entry")
    window = timedelta(days=goal.window_days)
    outside = [row.pk for row in rows if row.converted_at > row.entry.at + window]
    Conversion.objects.filter(pk__in=outside).delete()
    return len(outside)


def _find_missing(goal: Goal, now: datetime) -> int:
    entries = Entry.objects.filter(campaign=goal.campaign).exclude(outcome=Entry.Outcome.NOT_ENROLLED)
    first = entries.aggregate(first=Min("at"))["first"]
    if first is None:
        return 0
    rows = MrrMovement.objects.filter(
        kind=MrrMovement.Kind.EXPANSION, at__gte=first, account_id__in=entries.values("account_id")
    ).order_by("pk")
    found, last = 0, 0
    while batch := list(rows.filter(pk__gt=last)[: find.BATCH]):
        made = find.convert_movements(movements=batch, now=now)
        found += sum(one.goal_id == goal.pk for one in made)
        last = batch[-1].pk
    return found
