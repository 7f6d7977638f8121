"""Turn stored events into what they mean: profiles, usage, subscriptions. Each exactly once, by one transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from campaigns.intake import billing_events, crm_events, pending, product_events
from campaigns.intake.models import Quarantined
from campaigns.intake.pending import Inbound, Verdicts

log = logging.getLogger(__name__)

BATCH = 5000
BILLING_BATCH = 500


@dataclass(slots=True)
class Processed:
    """`claimed` 0: nothing was left. The flags say which bells to ring."""

    claimed: int = 0
    parked: int = 0
    quarantined: int = 0
    has_usage: bool = False
    has_introductions: bool = False
    has_changed_profiles: bool = False
    has_movements: bool = False
    has_crm_changes: bool = False

    def add(self, other: Processed) -> None:
        self.claimed += other.claimed
        self.parked += other.parked
        self.quarantined += other.quarantined
        self.has_usage |= other.has_usage
        self.has_introductions |= other.has_introductions
        self.has_changed_profiles |= other.has_changed_profiles
        self.has_movements |= other.has_movements
        self.has_crm_changes |= other.has_crm_changes


def process_inbound(*, now: datetime, limit: int = BATCH) -> Processed:
    """Process up to `limit` pending events, the oldest first.

    An event that breaks its batch is found by halving and quarantined; its neighbours go on. Raises
    OperationalError when the database is away: everything is then still pending.
    """
    processed = Processed()
    _process(limit, now, processed)
    return processed


def _process(limit: int, now: datetime, processed: Processed) -> None:
    if limit == 1:
        _process_one(now, processed)
        return
    try:
        _process_batch(limit, now, processed)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # Which of them it was is found by halving.
        _process(limit // 2, now, processed)
        _process(limit - limit // 2, now, processed)


def _process_batch(limit: int, now: datetime, processed: Processed) -> None:
    with transaction.atomic():
        rows = pending.claim(limit=limit, most_billing=BILLING_BATCH)
        taken = _take(rows, now) if rows else Processed()
    processed.add(taken)


def _process_one(now: datetime, processed: Processed) -> None:
    """The oldest event alone; if it breaks its processing it is kept with the kind of error, and the log has the rest.

    Tried and set aside under one claim: between two, another worker would set it aside, and we its neighbour.
    """
    with transaction.atomic():
        rows = pending.claim(limit=1, most_billing=1)
        if not rows:
            return
        try:
            with transaction.atomic():
                taken = _take(rows, now)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.exception("An inbound event broke its processing.")
            words = f"Processing this event failed ({type(error).__name__}): see the log of that time."
            pending.settle(rows=rows, verdicts=Verdicts(bad={row.id: words for row in rows}))
            taken = Processed(claimed=len(rows), quarantined=len(rows))
    processed.add(taken)


def _take(rows: list[Inbound], now: datetime) -> Processed:
    """In the caller's transaction, which holds the rows."""
    product = product_events.take_events(rows=[row for row in rows if row.kind in product_events.KINDS], now=now)
    billing = billing_events.take_events(rows=_of(rows, pending.BILLING), now=now)
    crm_rows = _of(rows, crm_events.PREFIX)
    verdicts = crm_events.take_events(rows=crm_rows, now=now)
    verdicts.add(product.verdicts)
    verdicts.add(billing.verdicts)
    pending.settle(rows=rows, verdicts=verdicts)
    _quarantine_meters(rows, product)
    return Processed(
        claimed=len(rows),
        parked=len(verdicts.waiting),
        quarantined=len(verdicts.bad),
        has_usage=product.events > 0,
        has_introductions=product.introduced or billing.introduced,
        has_changed_profiles=product.profiles_changed or billing.subscriptions > 0,
        has_movements=billing.movements > 0,
        has_crm_changes=bool(crm_rows),
    )


def _of(rows: Iterable[Inbound], prefix: str) -> list[Inbound]:
    return [row for row in rows if row.kind.startswith(prefix)]


def _quarantine_meters(rows: list[Inbound], product: product_events.Taken) -> None:
    """Values that no meter takes: the event itself is kept, and a person is told once per meter."""
    reasons = {
        code: f"Usage names the meter {code}, which the catalogue does not have."
        for code in product.rolled.unknown_meters
    }
    reasons |= {code: f"A value of the meter {code} is no number below 1e15." for code in product.rolled.bad_values}
    if not reasons:
        return
    known = set(Quarantined.objects.filter(error__in=reasons.values()).values_list("error", flat=True))
    first = next(row for row in rows if row.kind == "track")
    Quarantined.objects.bulk_create(
        Quarantined(
            source_id=first.source_id,
            kind="track",
            message_id=first.message_id,
            payload={"meter": code[:200]},
            error=words[:1000],
            received_at=first.received_at,
        )
        for code, words in sorted(reasons.items())
        if words not in known
    )
