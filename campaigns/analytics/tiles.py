"""The figures on top of the home page. What takes long to compute is read from the newest snapshots."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from campaigns.billing.models import MrrMovement, Subscription
from campaigns.experiments.models import Snapshot

PERIOD = timedelta(days=30)

Results = Mapping[str, Any]
"""One read-out as `snapshot.as_json` wrote it."""


@dataclass(frozen=True, slots=True)
class Recurring:
    """MRR in the reporting currency and how many accounts pay it."""

    mrr: Decimal
    accounts: int


@dataclass(frozen=True, slots=True)
class Expansion:
    """Expansion MRR of the last 30 days and of the 30 days before, in the reporting currency."""

    mrr: Decimal
    before: Decimal

    @property
    def change(self) -> float | None:
        """0.07 is 7 % more than before; None when there was nothing before."""
        return float(self.mrr / self.before) - 1 if self.before else None


@dataclass(frozen=True, slots=True)
class Earned:
    """What campaigns earned beyond their holdouts per month. The numbers are None while no campaign is clear;
    `unclear` campaigns are not in them."""

    estimate: float | None
    low: float | None
    high: float | None
    clear: int
    unclear: int


@dataclass(frozen=True, slots=True)
class Upgraded:
    accounts: int
    upgraded: int
    held_out: int
    held_out_upgraded: int

    @property
    def share(self) -> float | None:
        return self.upgraded / self.accounts if self.accounts else None

    @property
    def held_out_share(self) -> float | None:
        return self.held_out_upgraded / self.held_out if self.held_out else None


def read_recurring(*, now: datetime) -> Recurring:
    """Of the subscriptions that run at `now`; a trial pays nothing."""
    paying = [Subscription.Status.ACTIVE, Subscription.Status.PAST_DUE]
    running = Subscription.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now), started_at__lte=now)
    rows = running.filter(status__in=paying, mrr__gt=0)
    accounts = rows.aggregate(n=Count("account", distinct=True))["n"]
    return Recurring(_in_reporting_currency(rows, "mrr"), accounts)


def read_expansion(*, now: datetime) -> Expansion:
    rows = MrrMovement.objects.filter(kind=MrrMovement.Kind.EXPANSION, at__lte=now)
    newest = rows.filter(at__gt=now - PERIOD)
    before = rows.filter(at__gt=now - 2 * PERIOD, at__lte=now - PERIOD)
    return Expansion(_in_reporting_currency(newest, "delta"), _in_reporting_currency(before, "delta"))


def newest_results(*, experiment_ids: Collection[int]) -> dict[int, Results]:
    """The newest snapshot of each experiment that has one, by experiment id."""
    rows = Snapshot.objects.filter(experiment_id__in=experiment_ids)
    newest = rows.order_by("experiment_id", "-at", "-pk").distinct("experiment_id")
    return {snapshot.experiment_id: snapshot.results for snapshot in newest}


def sum_earned(*, results: Iterable[Results]) -> Earned:
    """Campaigns are independent of each other: the half-widths of their intervals add up as squares."""
    found = [one["incremental"] for one in results]
    clear = [one for one in found if one["is_clear"] and one["anytime_low"] is not None]
    if not clear:
        return Earned(None, None, None, 0, len(found))
    estimate = math.fsum(one["estimate"] for one in clear)
    below = math.hypot(*(one["estimate"] - one["anytime_low"] for one in clear))
    above = math.hypot(*(one["anytime_high"] - one["estimate"] for one in clear))
    return Earned(estimate, estimate - below, estimate + above, len(clear), len(found) - len(clear))


def sum_upgraded(*, results: Iterable[Results]) -> Upgraded:
    found = list(results)
    return Upgraded(
        accounts=sum(one["treated"]["assigned"] for one in found),
        upgraded=sum(one["treated"]["upgraded"] for one in found),
        held_out=sum(one["holdout"]["assigned"] for one in found),
        held_out_upgraded=sum(one["holdout"]["upgraded"] for one in found),
    )


def _in_reporting_currency(rows: QuerySet[Any], column: str) -> Decimal:
    """A currency without a rate counts as 0, as everywhere in reports."""
    sums = rows.order_by().values_list("currency").annotate(total=Sum(column))
    rates = settings.EXCHANGE_RATES
    return sum((total * rates.get(currency, Decimal(0)) for currency, total in sums), Decimal(0))
