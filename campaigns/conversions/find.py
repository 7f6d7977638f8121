"""Find upgrades of accounts that entered a campaign, whether through its link or not, held out or not.

Billing stands below: its movements are pulled. What follows from a movement (conversion, credit, end of
the enrolments, what the CRM is told) is written in the transaction that moves the cursor.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from campaigns.billing.models import MrrMovement
from campaigns.conversions import credit, goals, tell
from campaigns.conversions.models import Conversion
from campaigns.offers.models import Quote
from campaigns.operations import pulling
from campaigns.sequences import compose, exits
from campaigns.sequences.models import Enrolment, Entry

log = logging.getLogger(__name__)

BATCH = 1000
CURSOR = "conversions.movements"
# Between a person's click and the movement that billing dates.
LINK_SLACK = timedelta(days=1)


@dataclass(slots=True)
class Found:
    movements: int = 0
    conversions: int = 0


def find_conversions(*, now: datetime) -> Found:
    """Pull what moved in billing since the last time. NEW and REACTIVATION are no upgrades: only EXPANSION is."""
    goals.settle_goals()
    total = Found()
    while True:
        with transaction.atomic():
            cursor = pulling.lock_cursor(name=CURSOR)
            rows = pulling.rows_after(rows=MrrMovement.objects.all(), cursor=cursor, limit=BATCH)
            expansions = [row for row in rows if row.kind == MrrMovement.Kind.EXPANSION]
            total.conversions += len(convert_movements(movements=expansions, now=now))
            pulling.advance_cursor(cursor=cursor, rows=rows)
        total.movements += len(rows)
        if len(rows) < BATCH:
            return total


def convert_movements(*, movements: Sequence[MrrMovement], now: datetime) -> list[Conversion]:
    """Conversions of these movements that were not known, with all that follows. In the caller's transaction."""
    if not movements:
        return []
    pairs = _not_known(_pair(movements))
    links = _accepted_quotes([movement.account_id for movement, _ in pairs])
    conversions = Conversion.objects.bulk_create([_conversion(*pair, links) for pair in pairs])
    credited = credit.credit_conversions(conversions=conversions)
    _exit(conversions, now)
    tell.tell_conversions(conversions=conversions, credited=credited, now=now)
    return conversions


def _pair(movements: Sequence[MrrMovement]) -> list[tuple[MrrMovement, Entry]]:
    """Each movement with the entry of each campaign in whose goal window it falls; of several entries the newest."""
    entries: dict[int, list[Entry]] = defaultdict(list)
    rows = Entry.objects.filter(
        account_id__in={movement.account_id for movement in movements},
        outcome__in=[Entry.Outcome.ENROLLED, Entry.Outcome.HOLDOUT],
        campaign__goal__isnull=False,
    ).select_related("campaign__goal", "account")
    for entry in rows.order_by("number"):
        entries[entry.account_id].append(entry)
    pairs: dict[tuple[int, int], tuple[MrrMovement, Entry]] = {}
    for movement in movements:
        for entry in entries[movement.account_id]:
            window = timedelta(days=entry.campaign.goal.window_days)
            if entry.at <= movement.at <= entry.at + window:
                pairs[movement.pk, entry.campaign_id] = (movement, entry)
    return list(pairs.values())


def _not_known(pairs: Sequence[tuple[MrrMovement, Entry]]) -> list[tuple[MrrMovement, Entry]]:
    known = set(
        Conversion.objects.filter(movement__in=[movement for movement, _ in pairs]).values_list(
            "movement_id", "goal__campaign_id"
        )
    )
    return [pair for pair in pairs if (pair[0].pk, pair[1].campaign_id) not in known]


def _conversion(movement: MrrMovement, entry: Entry, links: Mapping[int, Sequence[Quote]]) -> Conversion:
    if movement.currency not in settings.EXCHANGE_RATES:
        log.error("EXCHANGE_RATES has no rate for %s: an upgrade counts as 0 in reports.", movement.currency)
    return Conversion(
        goal=entry.campaign.goal,
        entry=entry,
        account=entry.account,
        movement=movement,
        mrr_delta=movement.delta,
        currency=movement.currency,
        reporting_delta=compose.in_reporting_currency(amount=movement.delta, currency=movement.currency),
        converted_at=movement.at,
        via_link=_is_via_link(movement, entry, links.get(movement.account_id, ())),
    )


def _is_via_link(movement: MrrMovement, entry: Entry, quotes: Sequence[Quote]) -> bool:
    """By the key of our own call; or, where billing's webhook was quicker than its answer, by plan and time."""
    if movement.cause.startswith("change:quote:"):
        return any(movement.cause.startswith(f"change:quote:{quote.uuid}") for quote in quotes)
    return any(
        quote.answered_at is not None
        and quote.answered_at >= entry.at
        and abs(quote.answered_at - movement.at) <= LINK_SLACK
        and quote.to_price.plan_id == movement.to_plan_id
        for quote in quotes
    )


def _accepted_quotes(account_ids: Sequence[int]) -> dict[int, list[Quote]]:
    accepted = Q(state__in=[Quote.State.ACCEPTING, Quote.State.ACCEPTED])
    found: dict[int, list[Quote]] = defaultdict(list)
    for quote in Quote.objects.filter(accepted, account_id__in=set(account_ids)).select_related("to_price"):
        found[quote.account_id].append(quote)
    return found


def _exit(conversions: Sequence[Conversion], now: datetime) -> None:
    """The campaign has what it wanted from these accounts, those past their last step too."""
    reached: dict[int, list[Conversion]] = defaultdict(list)
    for conversion in conversions:
        if conversion.entry.outcome == Entry.Outcome.ENROLLED:
            reached[conversion.entry.campaign_id].append(conversion)
    for group in reached.values():
        accounts = [conversion.account_id for conversion in group]
        exits.end_for_accounts(
            campaign=group[0].entry.campaign, account_ids=accounts, reason=Enrolment.Exit.CONVERTED, now=now
        )
