"""The figures a message quotes are those of the day on which it is planned; one planned long before gets new ones.

What brought an account in may have grown since, or be gone. Where today tells nothing of it any more (an event was long
ago), what was told at the entry stays, with its date.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from campaigns.billing.models import Subscription
from campaigns.delivery.models import Message
from campaigns.operations import bulk_rows
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment
from campaigns.sequences import evidence
from campaigns.sequences.models import Campaign, Enrolment

log = logging.getLogger(__name__)

BATCH = 1000
# What waits to be sent is looked at shortly before; its figures may be as old as this.
FRESH, AHEAD = timedelta(days=1), timedelta(minutes=10)
AS_OF = "figures_at"
# What says that a figure of this family is told at all.
_MARKS = frozenset({"meter", "event"})

type Figures = dict[int, dict[str, Any]]


def gather_today(
    *, enrolments: Sequence[Enrolment], now: datetime, subscriptions: Mapping[int, Subscription] | None = None
) -> Figures:
    """By enrolment id; `enrolments` with entry and version (its segment) at hand."""
    audiences: dict[int | None, list[Enrolment]] = defaultdict(list)
    for row in enrolments:
        audiences[row.version.segment_id].append(row)
    found: Figures = {}
    for rows in audiences.values():
        today = _today(rows[0].version.segment, sorted({row.account_id for row in rows}), subscriptions, now)
        found |= {row.pk: _told(row.entry.evidence, today.get(row.account_id, {})) for row in rows}
    return found


def renew_waiting(*, now: datetime) -> int:
    """Messages that are about to go with figures older than FRESH get those of today; returns how many. They are taken
    by nobody: what a worker has in hand goes as it is."""
    with transaction.atomic():
        rows = list(_waiting(now))
        enrolments = [row.step_run.enrolment for row in rows]
        told = gather_today(enrolments=enrolments, now=now)
        for row, enrolment in zip(rows, enrolments, strict=True):
            row.context = row.context | {"evidence": told[enrolment.pk], AS_OF: now.isoformat()}
        return bulk_rows.update_rows(rows=rows, fields=["context"])


def _waiting(now: datetime) -> QuerySet[Message]:
    old = now - FRESH
    rows = Message.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        ~Q(context__has_key=AS_OF) | Q(**{f"context__{AS_OF}__lte": old.isoformat()}),
        state=Message.State.PLANNED,
        due_at__lte=now + AHEAD,
        planned_at__lt=old,
        step_run__enrolment__campaign__status=Campaign.Status.LIVE,
    )
    related = rows.select_related("step_run__enrolment__entry", "step_run__enrolment__version__segment__live_version")
    return related.order_by("pk")[:BATCH]


def _today(
    segment: Segment | None,
    account_ids: Sequence[int],
    subscriptions: Mapping[int, Subscription] | None,
    now: datetime,
) -> Figures:
    """Nothing where the audience cannot be read any more: that is told elsewhere, and stops no message."""
    try:
        return evidence.gather_evidence(segment=segment, account_ids=account_ids, now=now, subscriptions=subscriptions)
    except DefinitionError:
        log.warning("The audience %s cannot be read: figures are those of the entry.", segment)
        return {}


def _told(entered: Mapping[str, Any], today: Mapping[str, Any]) -> dict[str, Any]:
    if (entered.keys() & _MARKS) <= today.keys():
        return dict(today)
    return dict(entered) | dict(today)
