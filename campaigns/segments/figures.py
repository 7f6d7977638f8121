"""The figures behind a condition for a few accounts or contacts, as short text for a list of reasons.

Only what belongs to the subject itself has figures: of "some contact of theirs" the sentence says enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel import Locale
from django.db.models import Avg, Count, Max, Min, Sum
from django.utils import formats
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from campaigns.billing import selectors as billing_selectors
from campaigns.billing.models import Quota, Subscription
from campaigns.profiles.models import Account, Contact, Score
from campaigns.segments import nodes
from campaigns.usage import selectors as usage_selectors
from campaigns.usage.models import UsageDaily, UsageEvent

_AGGREGATES = {"sum": Sum, "avg": Avg, "min": Min, "max": Max}
_COLUMNS = {"timezone": "time_zone"}


def figures_of(node: nodes.Node, subject: nodes.Subject, ids: Sequence[int], now: datetime) -> dict[int, str]:
    """By primary key of the subject; those without figures are absent."""
    if isinstance(node, nodes.Event):
        return _event_counts(node, subject, ids, now)
    if isinstance(node, nodes.Field) and node.owner == subject and node.full_name != "account.plan":
        return _field_values(node, subject, ids)
    write = _OF_ACCOUNTS.get(type(node))
    if subject == "account" and write is not None:
        return write(node, ids, now)
    if subject == "account" and isinstance(node, nodes.Field) and node.full_name == "account.plan":
        return _subscription_values(nodes.SubscriptionTest("plan", node.comparison, node.path), ids, now)
    return {}


def number(value: Decimal | int | float) -> str:
    """At most two decimals, in the reader's own notation."""
    rounded = Decimal(str(value)).quantize(Decimal("0.01")).normalize()
    return formats.number_format(Decimal(format(rounded, "f")), use_l10n=True, force_grouping=True)


def country_name(code: str) -> str:
    """“Romania” for RO, in the reader's language; what is no code of a country stays as it is."""
    language = (get_language() or "en").split("-")[0]
    return str(Locale.parse(language).territories.get(code.upper(), code))


def _field_values(node: nodes.Field, subject: nodes.Subject, ids: Sequence[int]) -> dict[int, str]:
    owner: type[Account | Contact] = Account if subject == "account" else Contact
    found = {}
    for row in owner._default_manager.filter(pk__in=ids):
        value = row.traits if node.keys else getattr(row, _COLUMNS.get(node.name, node.name))
        for key in node.keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value not in (None, "", []):
            found[row.pk] = country_name(value) if node.name == "country" and not node.keys else _show(value)
    return found


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float | Decimal):
        return number(value)
    if isinstance(value, datetime):
        return formats.date_format(value, "DATE_FORMAT")
    if isinstance(value, list):
        return ", ".join(_show(one) for one in value)
    return "" if isinstance(value, dict) else str(value)


def _event_counts(node: nodes.Event, subject: nodes.Subject, ids: Sequence[int], now: datetime) -> dict[int, str]:
    """How often the event came in the window at all; which of them fulfil `where` the condition itself tells."""
    if node.where:
        return {}
    rows = UsageEvent.objects.filter(**{f"{subject}_id__in": ids}, name=node.name, at__lte=now)
    if node.window:
        rows = rows.filter(at__gte=now - timedelta(hours=node.window.hours))
    counted = rows.values_list(f"{subject}_id").annotate(times=Count("pk"))
    return {pk: ngettext("%(times)d time", "%(times)d times", times) % {"times": times} for pk, times in counted}


def _usage_values(node: nodes.Usage, ids: Sequence[int], now: datetime) -> dict[int, str]:
    today = now.astimezone(UTC).date()
    values = _aggregated(node, ids, today)
    if node.per == "previous" and node.days is not None:
        before = _aggregated(node, ids, today - timedelta(days=node.days))
        return {pk: _show_growth(before[pk], value) for pk, value in values.items() if before.get(pk)}
    if node.per != "quota":
        return {pk: number(value) for pk, value in values.items()}
    limits = _limits(node.meter, ids, now)
    return {pk: _show_share(value, limits[pk]) for pk, value in values.items() if limits.get(pk)}


def _aggregated(node: nodes.Usage, ids: Sequence[int], last: date) -> dict[int, Decimal]:
    rows = UsageDaily.objects.filter(account_id__in=ids, meter__code=node.meter, day__lte=last)
    if node.days is not None:
        rows = rows.filter(day__gt=last - timedelta(days=node.days))
    if node.agg == "last":
        newest = rows.order_by("account_id", "-day").distinct("account_id")
        return dict(newest.values_list("account_id", "value"))
    return dict(rows.values_list("account_id").annotate(total=_AGGREGATES[node.agg]("value")))


def _limits(meter: str, ids: Sequence[int], now: datetime) -> dict[int, Decimal]:
    current = billing_selectors.current_subscriptions(account_ids=ids, now=now)
    limits = dict(Quota.objects.filter(meter=meter, limit__gt=0).values_list("plan_id", "limit"))
    return {pk: limit for pk, held in current.items() if (limit := limits.get(held.plan_id)) is not None}


def _show_share(value: Decimal, limit: Decimal) -> str:
    return _("%(value)s of %(limit)s = %(percent)s %%") % {
        "value": number(value),
        "limit": number(limit),
        "percent": number((value * 100 / limit).quantize(Decimal("0.1"))),
    }


def _show_growth(before: Decimal, value: Decimal) -> str:
    change = (value - before) * 100 / before
    text = (
        _("%(before)s → %(value)s = up %(percent)s %%")
        if change >= 0
        else _("%(before)s → %(value)s = down %(percent)s %%")
    )
    return text % {
        "before": number(before),
        "value": number(value),
        "percent": number(abs(change).quantize(Decimal(1))),
    }


def _crossing_values(node: nodes.Crossing, ids: Sequence[int], _now: datetime) -> dict[int, str]:
    found = usage_selectors.newest_crossings(account_ids=ids, meter=node.meter, level=node.level)
    return {
        pk: _show_share(Decimal(str(told["value"])), Decimal(str(told["quota"])))
        for pk, crossing in found.items()
        if (told := crossing.evidence).get("quota")
    }


def _subscription_values(node: nodes.SubscriptionTest, ids: Sequence[int], now: datetime) -> dict[int, str]:
    current = billing_selectors.current_subscriptions(account_ids=ids, now=now)
    return {pk: shown for pk, held in current.items() if (shown := _show_subscription(node.name, held, now))}


def _show_subscription(name: str, held: Subscription, now: datetime) -> str:
    if name == "plan":
        return held.plan.name
    if name == "mrr":
        return f"{number(held.mrr)} {held.currency}"
    until = {"age": held.started_at, "renewal_in": held.renews_at, "trial_ends_in": held.trial_ends_at}
    if name in until:
        when = until[name]
        if when and name != "age" and when < now:
            return ""
        days = abs((when - now).days) if when else 0
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days} if when else ""
    return _show(getattr(held, name))


def _score_values(node: nodes.ScoreTest, ids: Sequence[int], now: datetime) -> dict[int, str]:
    newest = Score.objects.filter(account_id__in=ids, kind=node.kind, at__lte=now)
    rows = newest.order_by("account_id", "-at", "-pk").distinct("account_id")
    return {score.account_id: number(score.value) for score in rows}


_OF_ACCOUNTS: dict[type, Callable[[Any, Sequence[int], datetime], dict[int, str]]] = {
    nodes.Usage: _usage_values,
    nodes.Crossing: _crossing_values,
    nodes.SubscriptionTest: _subscription_values,
    nodes.ScoreTest: _score_values,
}
