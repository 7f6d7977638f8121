"""One call with what a colleague should know before making it: who it is, what they did, what they pay and use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from campaigns.billing.models import Quota, Subscription
from campaigns.consent import selectors as consent
from campaigns.console import contact_page, contact_timeline, task_list
from campaigns.delivery.models import CsmTask
from campaigns.profiles.models import Membership
from campaigns.sequences.models import Campaign
from campaigns.usage.models import UsageDaily

HAPPENINGS = 8
METERS = 6


@dataclass(frozen=True, slots=True)
class Used:
    """`share` is of the plan's limit, None without one."""

    name: str
    value: Decimal
    limit: Decimal | None
    share: float | None


def gather(*, task: CsmTask, now: datetime, zone: tzinfo) -> dict[str, Any]:
    membership = _membership(task)
    states = consent.channel_states(contact=task.contact)
    timeline = contact_timeline.read_timeline(
        contact=task.contact,
        account_ids=[task.account_id],
        states=states,
        chosen="",
        page=None,
        now=now,
        zone=zone,
    )
    card = contact_page.make_cards(memberships=[membership], now=now)[0]
    return {
        "task": task,
        "due": task_list.due_words(task=task, now=now),
        "state": task_list.outcome_words(task),
        "stake": task_list.stake_of(task=task),
        "currency": settings.REPORTING_CURRENCY,
        "owner": task_list.name_of(task.assigned_to),
        "closer": task_list.name_of(task.closed_by),
        "head": contact_page.make_head(contact=task.contact, states=states, memberships=[membership], now=now),
        "card": card,
        "used": used(account_id=task.account_id, subscription=card.subscription, now=now),
        "happenings": _newest(timeline.days),
        "campaign": Campaign.objects.filter(slug=task.message.origin_campaign).first(),
        "colleagues": [(user.pk, task_list.name_of(user)) for user in colleagues()],
    }


def colleagues() -> Sequence[Any]:
    return list(get_user_model().objects.filter(is_staff=True, is_active=True).order_by("username"))


def used(*, account_id: int, subscription: Subscription | None, now: datetime) -> list[Used]:
    """The newest value of each meter, those of the plan's limits first, the fullest on top."""
    limits: Mapping[str, Decimal | None] = {}
    if subscription is not None:
        limits = dict(Quota.objects.filter(plan=subscription.plan_id).values_list("meter", "limit"))
    newest = (
        UsageDaily.objects.filter(account_id=account_id, day__lte=now.date(), meter__kind="REPORTED")
        .select_related("meter")
        .order_by("meter_id", "-day")
        .distinct("meter_id")
    )
    found = [_used(row, limits.get(row.meter.code)) for row in newest]
    return sorted(found, key=lambda one: (one.share is None, -(one.share or 0), one.name))[:METERS]


def _used(row: UsageDaily, limit: Decimal | None) -> Used:
    return Used(row.meter.name, row.value, limit, float(row.value / limit) if limit else None)


def _membership(task: CsmTask) -> Membership:
    """As it is; one without a role for somebody who left the account in the meantime."""
    rows = Membership.objects.filter(account=task.account_id, contact=task.contact_id).select_related("account")
    return rows.first() or Membership(account=task.account, contact=task.contact, role=Membership.Role.MEMBER)


def _newest(days: Sequence[contact_timeline.Day]) -> list[contact_timeline.Day]:
    """So many of the newest lines, still by day."""
    left, kept = HAPPENINGS, []
    for day in days:
        if left <= 0:
            break
        kept.append(replace(day, items=day.items[:left]))
        left -= len(day.items)
    return kept
