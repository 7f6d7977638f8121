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

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from campaigns.billing import selectors as billing
from campaigns.billing.models import Subscription
from campaigns.delivery import freshness, plan
from campaigns.delivery.models import DeliveryAttempt, Message
from campaigns.offers import quote as quoting
from campaigns.offers.models import Offer
from campaigns.operations import blame, bulk_rows
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment
from campaigns.sequences import evidence, planning_apart, withdrawn
from campaigns.sequences.models import Campaign, Enrolment
from orchestrator import clock

log = logging.getLogger(__name__)

BATCH = 1000
# What waits to be sent is looked at shortly before; its figures may be as old as this.
FRESH, AHEAD = freshness.FRESH, timedelta(minutes=10)
# What says that a figure of this family is told at all.
_MARKS = frozenset({"meter", "event"})
_EVENT = ("event", "attempts", "feature", "first_at", "last_at")
_MAY_HAVE_GONE = [
    DeliveryAttempt.Outcome.STARTED.value,
    DeliveryAttempt.Outcome.UNCLEAR.value,
    DeliveryAttempt.Outcome.ACCEPTED.value,
]

# In the context of what could not be renewed in company: it is tried alone.
_ALONE = "figures_alone"
_SET_APART = """
UPDATE delivery_message SET context = context || jsonb_build_object(%(alone)s::text, true) WHERE id = ANY(%(ids)s)
"""
_LEAVE = """
UPDATE delivery_message
SET context = (context - %(alone)s::text) || jsonb_build_object(%(as_of)s::text, %(at)s::text),
    next_at = CASE WHEN next_at > %(held)s THEN next_at END
WHERE id = ANY(%(ids)s) AND state = 'PLANNED'
"""

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
        found |= {row.pk: as_told(entered=row.entry.evidence, today=today.get(row.account_id, {})) for row in rows}
    return found


def renew_waiting(*, now: datetime) -> int:
    """Messages that are about to go with figures older than FRESH get those of today; returns how many were looked at.
    They are taken by nobody: what a worker has in hand goes as it is, or comes back for its age (`delivery.freshness`).

    What it says of the use and what it says of the offer stay of one day: where its quote would read differently now,
    the message is given back and planned anew. All stays as it was of a receipt, and of what may have left in an
    earlier attempt. What fails in company waits for `renew_again`.
    """
    with transaction.atomic():
        planning_apart.limit_statements()
        # The locks are held until all parts are done.
        rows = list(_waiting(now).exclude(context__has_key=_ALONE)[:BATCH])
        planning_apart.act_apart(
            items=rows,
            campaign_of=lambda row: row.gate_id,
            act=lambda part: _renew(part, now),
            give_up=_set_apart,
        )
        return len(rows)


def renew_again(*, now: datetime) -> bool:
    """Those that failed before, campaigns in turn, as many as the time allows: whoever is come to has new figures, or
    goes with the old ones, since they cannot be made. The first is come to however long it takes. Whether any did."""
    place = Window(RowNumber(), partition_by="gate_id", order_by=F("pk"))
    failed = _due(now).filter(context__has_key=_ALONE).annotate(place=place).order_by("place", "pk")
    done, _ = planning_apart.act_again(
        items=list(failed.values_list("pk", "gate_id")[:BATCH]),
        campaign_of=lambda one: one[1],
        act=lambda part: _renew_apart([pk for pk, _gate in part], now),
        give_up=lambda part, error: _leave_as_is([pk for pk, _gate in part], error, now),
    )
    return any(done)


def _renew_apart(ids: Sequence[int], now: datetime) -> bool:
    """Whether there were any still."""
    with transaction.atomic():
        planning_apart.limit_statements()
        rows = list(_waiting(now).filter(pk__any=ids))
        _renew(rows, now)
    return bool(rows)


def _renew(rows: Sequence[Message], now: datetime) -> None:
    with transaction.atomic():
        enrolments = [row.step_run.enrolment for row in rows]
        account_ids = sorted({one.account_id for one in enrolments})
        subscriptions = billing.current_subscriptions(account_ids=account_ids, now=now)
        told = gather_today(enrolments=enrolments, now=now, subscriptions=subscriptions)
        differ, unpriced = _hold_against_today(rows, subscriptions, now)
        back = {row.pk for row in rows if row.pk in differ and _is_given_back(row)}
        stays = {row.pk for row in rows if row.pk in differ | unpriced or _is_settled(row)} - back
        plan.skip_messages(message_ids=sorted(back), reason=Message.Reason.FACTS_CHANGED, now=now)
        for row, enrolment in zip(rows, enrolments, strict=True):
            renewed = {} if row.pk in stays else {"evidence": told[enrolment.pk]}
            _stamp(row, renewed, now)
        _store([row for row in rows if row.pk not in back])


def _hold_against_today(
    rows: Sequence[Message], subscriptions: Mapping[int, Subscription], now: datetime
) -> tuple[set[int], set[int]]:
    """Those whose quote would tell something else if it were made now; and those that cannot be made the offer any
    more, which is judged when they go."""
    by_offer: dict[int, list[Message]] = defaultdict(list)
    for row in rows:
        offer_id = row.context.get(withdrawn.OFFER_ID, row.step_run.enrolment.version.offer_id)
        if offer_id is not None:
            by_offer[offer_id].append(row)
    offers = Offer.objects.select_related("target_plan").in_bulk(by_offer)
    differ: set[int] = set()
    unpriced: set[int] = set()
    for offer_id, offered in by_offer.items():
        ids = sorted({row.step_run.enrolment.account_id for row in offered})
        priced = quoting.price_accounts(offer=offers[offer_id], account_ids=ids, now=now, subscriptions=subscriptions)
        for row in offered:
            today, says = priced[row.step_run.enrolment.account_id], row.context.get("offer") or {}
            if not isinstance(today, quoting.Pricing):
                unpriced.add(row.pk)
            elif not quoting.says_the_same(figures=says, as_of=today):
                differ.add(row.pk)
    return differ, unpriced


def _is_given_back(row: Any) -> bool:
    """Who is through gets no successor."""
    return row.step_run.enrolment.state == Enrolment.State.OPEN and not _is_settled(row)


def _is_settled(row: Any) -> bool:
    """A receipt states what was. What may have left in an earlier attempt says the same in the next, and a successor
    would not see the evidence of it."""
    return row.purpose != Message.Purpose.MARKETING or row.decided_at is not None or row.may_have_gone


def _set_apart(rows: Sequence[Message], error: Exception) -> None:
    log.error("The figures of %s messages could not be renewed: %s.", len(rows), blame.describe(error))
    with connection.cursor() as cursor:
        cursor.execute(_SET_APART, {"alone": _ALONE, "ids": [row.pk for row in rows]})


def _leave_as_is(ids: Sequence[int], error: Exception, now: datetime) -> None:
    log.error("The figures of %s messages cannot be made anew: %s.", len(ids), blame.describe(error))
    with connection.cursor() as cursor:
        held = clock.wall_now() + freshness.HOLD
        params: dict[str, Any] = {"alone": _ALONE, "as_of": freshness.AS_OF, "at": now.isoformat(), "held": held}
        cursor.execute(_LEAVE, params | {"ids": list(ids)})


def _stamp(row: Message, renewed: Mapping[str, Any], now: datetime) -> None:
    """It is looked at again in a day; and goes at once, if it was held for its figures alone."""
    kept = {name: value for name, value in row.context.items() if name != _ALONE}
    row.context = {**kept, **renewed, freshness.AS_OF: now.isoformat()}
    row.next_at = freshness.held_until(next_at=row.next_at, wall_now=clock.wall_now())


def _store(rows: Sequence[Message]) -> None:
    bulk_rows.update_rows(rows=rows, fields=["context", "next_at"])


def _waiting(now: datetime) -> QuerySet[Message]:
    """Locked, but for those that another worker holds, with what they are made of."""
    unsure = DeliveryAttempt.objects.filter(message=OuterRef("pk"), outcome__in=_MAY_HAVE_GONE)
    rows = _due(now).select_for_update(skip_locked=True, of=("self",))
    related = rows.select_related("step_run__enrolment__entry", "step_run__enrolment__version__segment__live_version")
    return related.annotate(may_have_gone=Exists(unsure)).order_by("pk")


def _due(now: datetime) -> QuerySet[Message]:
    old = now - FRESH
    return Message.objects.filter(
        ~Q(context__has_key=freshness.AS_OF) | Q(**{f"context__{freshness.AS_OF}__lte": old.isoformat()}),
        state=Message.State.PLANNED,
        due_at__lte=now + AHEAD,
        planned_at__lt=old,
        step_run__enrolment__campaign__status=Campaign.Status.LIVE,
    )


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


def as_told(*, entered: Mapping[str, Any], today: Mapping[str, Any]) -> dict[str, Any]:
    """What a message may quote, of the evidence of the entry and of today's."""
    if _has_fallen(entered, today):
        kept = {name: value for name, value in today.items() if name not in _EVENT}
        return kept | {name: entered[name] for name in _EVENT if name in entered}
    if (entered.keys() & _MARKS) <= today.keys():
        return dict(today)
    return dict(entered) | dict(today)


def _has_fallen(entered: Mapping[str, Any], today: Mapping[str, Any]) -> bool:
    """What happened days ago leaves the window of the audience's rule bit by bit: fewer than at the entry are no news
    of the account, but what is left of the old ones."""
    is_same = "event" in entered and entered["event"] == today.get("event")
    return is_same and today.get("attempts", 0) < entered.get("attempts", 0)
