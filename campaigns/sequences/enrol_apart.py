"""An account that cannot be taken in keeps no other out.

Where a batch fails, it is done again by ones and, as long as that goes, by more. Who fails alone is written down as
kept out by a fault of ours, so that it stands in the ledger, counts as seen, and is told; the second look
(`enrol_again`) tries it again. However long a try takes, somebody is settled each time.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from django.db import transaction

from campaigns.operations import blame
from campaigns.sequences import candidates, faults, planning_apart
from campaigns.sequences import flow as flows
from campaigns.sequences.candidates import Arrival
from campaigns.sequences.counts import Counts
from campaigns.sequences.models import Campaign, Enrolment, Entry

log = logging.getLogger(__name__)

# So long in one transaction, under a lock of the campaign's.
SECONDS = 8.0
# The key of an entry's evidence that names the kind of error.
KIND = "fault"


class Batch[Result](Protocol):
    def __call__(self, *, apart: bool) -> Result: ...


def despite_faults[Result](batch: Batch[Result], *, slug: str) -> Result:
    """`batch` is a transaction; where somebody in it cannot be taken in, it is done again, and each is tried apart."""
    try:
        return batch(apart=False)
    except Exception as error:
        if not blame.is_theirs(error):
            raise
        log.error("A batch could not be taken into %s: %s. It is tried apart.", slug, blame.describe(error))
    return batch(apart=True)


def take_in(
    *,
    campaign: Campaign,
    arrivals: Sequence[Arrival],
    act: Callable[[Sequence[Arrival]], Counts],
    apart: bool,
    now: datetime,
    seconds: float = SECONDS,
    is_told: bool = False,
) -> tuple[Counts, bool]:
    """`act` for all of them, or each part of them that it can be done for; in the caller's transaction, under the
    campaign's lock. Beside it, whether all were come to: who was not is to be read again, and it is others who come
    first then. Nothing is written of who failed where whoever brings them in `is_told`."""
    planning_apart.limit_statements()
    if not apart:
        return act(arrivals), True
    assert campaign.live_version_id is not None, "Only a launched campaign enrols."
    # Where the campaign itself cannot be read, it is no account's fault: this raises.
    flows.read_flow(version_id=campaign.live_version_id)
    together = _together(arrivals)
    done, is_whole = planning_apart.act_again(
        items=random.Random(now.isoformat()).sample(together, len(together)),  # noqa: S311
        campaign_of=lambda _one: campaign.pk,
        act=lambda part: _in_savepoint(act, [one for few in part for one in few]),
        give_up=lambda part, error: _keep_out(campaign, [] if is_told else part[0], error, now),
        seconds=seconds,
    )
    total = Counts()
    for one in done:
        total.add(one)
    return total, is_whole


def _together(arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
    """What happened to people of one account is judged at once: after the first of them was judged, it would be too
    late for what happened before that."""
    accounts = candidates.accounts_of(arrivals=arrivals)
    found: dict[tuple[str, int | None], list[Arrival]] = defaultdict(list)
    for number, one in enumerate(arrivals):
        found[one.source, accounts[number] if one.source == Entry.Source.EVENT else number].append(one)
    return list(found.values())


def _in_savepoint(act: Callable[[Sequence[Arrival]], Counts], part: Sequence[Arrival]) -> Counts:
    with transaction.atomic():
        return act(part)


def _keep_out(campaign: Campaign, arrivals: Sequence[Arrival], error: Exception, now: datetime) -> None:
    log.error("An account could not be taken into %s: %s.", campaign.slug, blame.describe(error))
    for arrival, account_id in zip(arrivals, candidates.accounts_of(arrivals=arrivals), strict=True):
        if account_id is not None and not _is_known(campaign, arrival, account_id, now):
            _write_down(campaign, arrival, account_id, error, now)


def _is_known(campaign: Campaign, arrival: Arrival, account_id: int, now: datetime) -> bool:
    """Nothing is written of an account that is inside: it stands where it stood. One more contact of it is told."""
    inside = Enrolment.objects.filter(campaign=campaign, account=account_id, state=Enrolment.State.OPEN)
    if arrival.contact_id is None and inside.exists():
        return True
    return faults.kept_out(campaign=campaign, now=now).filter(account=account_id, stay=arrival.stay).exists()


def _write_down(campaign: Campaign, arrival: Arrival, account_id: int, error: Exception, now: datetime) -> None:
    last = Entry.objects.filter(campaign=campaign, account=account_id).order_by("-number").first()
    Entry.objects.create(
        campaign=campaign,
        account_id=account_id,
        number=last.number + 1 if last else 1,
        stay=arrival.stay,
        source=arrival.source,
        occasion=arrival.occasion,
        outcome=Entry.Outcome.NOT_ENROLLED,
        reason=Entry.Reason.FAULT,
        evidence={KIND: type(error).__name__},
        at=now,
    )
