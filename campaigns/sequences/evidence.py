"""What a message may quote about an account: the figures of what brought it into the audience (docs/wording.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from campaigns.billing import selectors as billing
from campaigns.billing.models import Quota, Subscription
from campaigns.segments import explain, nodes, occurrences
from campaigns.segments.models import Segment
from campaigns.sequences import standing, triggers
from campaigns.usage import selectors as usage
from campaigns.usage import standing as use
from campaigns.usage.evidence import DAYS, as_number
from campaigns.usage.models import Meter

type Figures = dict[int, dict[str, Any]]


def gather_evidence(
    *,
    segment: Segment | None,
    account_ids: Sequence[int],
    now: datetime,
    subscriptions: Mapping[int, Subscription] | None = None,
) -> Figures:
    """By account id: one trigger of each family, of several the first that holds for the account. Where two families
    have a figure of one name, the trigger that the definition names first tells it.

    An audience that is about no meter may still quote the newest line that was crossed, and every account with a
    subscription its terms. Dates are ISO 8601 text. `subscriptions` are those current now, of a caller who has read
    them; they may be of more accounts.
    """
    if subscriptions is None:
        subscriptions = billing.current_subscriptions(account_ids=account_ids, now=now)
    asked = triggers.find_triggers(segment=segment)
    told = [(triggers.family_of(one), _figures_of(one, account_ids, now, subscriptions)) for one in asked]
    if all(family == "events" for family, _ in told):
        told.append(("use", _crossed(None, account_ids)))
    holding = _holding(asked, account_ids, now)
    found = standing.gather_standing(account_ids=account_ids, now=now, subscriptions=subscriptions)
    for account_id in account_ids:
        holds = holding.get(account_id, ())
        quoted: dict[str, dict[str, Any]] = {}
        for place in sorted(range(len(told)), key=lambda index: index < len(holds) and not holds[index]):
            family, by_account = told[place]
            if account_id in by_account:
                quoted.setdefault(family, by_account[account_id])
        figures = {name: value for one in reversed(quoted.values()) for name, value in one.items()}
        if figures:
            found[account_id] = found.get(account_id, {}) | figures
    return found


def _holding(
    asked: Sequence[triggers.Trigger], account_ids: Sequence[int], now: datetime
) -> dict[int, tuple[bool, ...]]:
    """Asked only where there is a choice."""
    families = {triggers.family_of(one) for one in asked}
    return explain.which_hold(lines=asked, account_ids=account_ids, now=now) if len(families) < len(asked) else {}


def _figures_of(
    trigger: triggers.Trigger, account_ids: Sequence[int], now: datetime, subscriptions: Mapping[int, Subscription]
) -> Figures:
    if isinstance(trigger, nodes.Event):
        return _attempts(trigger, account_ids, now)
    if isinstance(trigger, nodes.Crossing):
        crossed = _crossed(trigger.meter, account_ids)
        others = [account_id for account_id in account_ids if account_id not in crossed]
        return crossed | _today(trigger.meter, others, now, subscriptions)
    if trigger.per == "previous":
        return _growth(trigger, account_ids, now)
    if trigger.agg == "last":
        return _today(trigger.meter, account_ids, now, subscriptions)
    return _used(trigger, account_ids, now, subscriptions)


def _crossed(meter: str | None, account_ids: Sequence[int]) -> Figures:
    """As it was when the line was crossed."""
    found = usage.newest_evidence(account_ids=account_ids, meter=meter)
    return {account_id: _with_growth(told) for account_id, told in found.items()}


def _today(meter: str, account_ids: Sequence[int], now: datetime, subscriptions: Mapping[int, Subscription]) -> Figures:
    found = use.stand_today(account_ids=account_ids, meter=meter, now=now, subscriptions=subscriptions)
    return {account_id: _with_growth(told) for account_id, told in found.items()}


def _with_growth(told: Mapping[str, Any]) -> dict[str, Any]:
    """The same by the names that texts use. What was not added is not there, so that no text boasts of it."""
    figures = dict(told)
    growth, added = told.get("growth_28d"), told.get("added_28d")
    if growth is not None:
        figures |= {"growth_percent": round(growth * 100), "window_days": DAYS}
    if added is not None and added > 0:
        figures |= {"added": added, "added_since": told["since"]}
    return figures


def _growth(trigger: nodes.Usage, account_ids: Sequence[int], now: datetime) -> Figures:
    """This window's aggregate against that of the window before, whole UTC days."""
    assert trigger.days is not None, "The grammar asks for a window."
    today = now.astimezone(UTC).date()
    began = today - timedelta(days=trigger.days - 1)
    after, before = (
        use.aggregate(
            account_ids=account_ids, meter=trigger.meter, agg=trigger.agg, last_day=last_day, days=trigger.days
        )
        for last_day in (today, began - timedelta(days=1))
    )
    names = _name(trigger.meter)
    return {
        account_id: names
        | {
            "value": as_number(value),
            "value_before": as_number(before[account_id]),
            "growth_percent": round((value - before[account_id]) * 100 / before[account_id]),
            "window_days": trigger.days,
            "since": began.isoformat(),
            "day": today.isoformat(),
        }
        for account_id, value in after.items()
        if before.get(account_id, 0) > 0
    }


def _used(
    trigger: nodes.Usage, account_ids: Sequence[int], now: datetime, subscriptions: Mapping[int, Subscription]
) -> Figures:
    """The aggregate itself; where the condition compares it with the quota, the quota and the share too."""
    today = now.astimezone(UTC).date()
    values = use.aggregate(
        account_ids=account_ids, meter=trigger.meter, agg=trigger.agg, last_day=today, days=trigger.days
    )
    limits = _limits(trigger.meter, subscriptions) if trigger.per == "quota" else {}
    names = _name(trigger.meter)
    found: Figures = {}
    for account_id, value in values.items():
        found[account_id] = names | {"value": as_number(value), "day": today.isoformat()}
        if trigger.days is not None:
            since = today - timedelta(days=trigger.days - 1)
            found[account_id] |= {"window_days": trigger.days, "since": since.isoformat()}
        if account_id in limits:
            limit, plan, plan_name = limits[account_id]
            percent = as_number((value * 100 / limit).quantize(Decimal("0.1")))
            found[account_id] |= {"quota": as_number(limit), "percent": percent, "plan": plan, "plan_name": plan_name}
    return found


def _attempts(trigger: nodes.Event, account_ids: Sequence[int], now: datetime) -> Figures:
    counted = occurrences.count_occurrences(event=trigger, account_ids=account_ids, now=now)
    found: Figures = {}
    for account_id, one in counted.items():
        found[account_id] = {
            "event": trigger.name,
            "attempts": one.times,
            "first_at": one.first_at.astimezone(UTC).isoformat(),
            "last_at": one.last_at.astimezone(UTC).isoformat(),
        }
        if one.feature:
            found[account_id]["feature"] = one.feature
    return found


def _name(meter: str) -> dict[str, Any]:
    row = Meter.objects.filter(code=meter).first()
    return use.name_meter(row) if row is not None else {"meter": meter, "meter_name": meter, "unit": ""}


def _limits(meter: str, subscriptions: Mapping[int, Subscription]) -> dict[int, tuple[Decimal, str, str]]:
    limits = dict(Quota.objects.filter(meter=meter, limit__gt=0).values_list("plan_id", "limit"))
    return {
        account_id: (limit, held.plan.code, held.plan.name)
        for account_id, held in subscriptions.items()
        if (limit := limits.get(held.plan_id)) is not None
    }
