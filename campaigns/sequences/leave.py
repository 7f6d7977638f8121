"""Let those go who have a reason to leave, before a paused campaign sends again.

Nothing moves in a paused campaign, and a gate that opens is seen by the senders before the advancing job has looked at
anybody. So whoever refused, upgraded, left the audience or may not be sold to any more leaves in the transaction that
opens it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from campaigns.billing.models import MrrMovement
from campaigns.offers.models import Refusal
from campaigns.sequences import advance, eligibility, exits, facts
from campaigns.sequences import flow as flows
from campaigns.sequences.models import Campaign, Enrolment
from orchestrator.engine import planner

BATCH = 2000


def leave_concerned(*, campaign: Campaign, now: datetime) -> int:
    """Returns how many left. In the caller's transaction; their messages are taken back with them.

    Who said no to being written to is not looked for: each send asks for that itself.
    """
    ended: dict[str, list[int]] = defaultdict(list)
    for rows in _batches(_concerned(campaign, now)):
        flow_of = flows.read_flows(version_ids={row.version_id for row in rows})
        found = facts.judge_exits(enrolments=rows, flows=flow_of, now=now)
        for row in rows:
            reason = next((one for one in planner.EXIT_PRIORITY if one in found[row.pk]), None)
            if reason is not None:
                ended[reason].append(row.pk)
    return exits.end_for_reasons(enrolment_ids=ended, now=now)


def _concerned(campaign: Campaign, now: datetime) -> QuerySet[Enrolment]:
    inside = Enrolment.objects.filter(campaign=campaign, state=Enrolment.State.OPEN)
    accounts = sorted(set(inside.values_list("account_id", flat=True)))
    closed = eligibility.closed_gates(account_ids=accounts, now=now)
    since = {"account": OuterRef("account"), "at__gte": OuterRef("enrolled_at"), "at__lte": now}
    refused = Refusal.objects.filter(**since)
    upgraded = MrrMovement.objects.filter(kind=MrrMovement.Kind.EXPANSION, **since)
    has_left = Q(entry__stay__left_at__isnull=False)
    return inside.filter(has_left | Q(account_id__in=list(closed)) | Exists(refused) | Exists(upgraded))


def _batches(rows: QuerySet[Enrolment]) -> Iterator[list[Enrolment]]:
    last = 0
    while True:
        batch = advance.with_surroundings(rows.filter(pk__gt=last).order_by(F("pk"))[:BATCH])
        if batch:
            yield batch
            last = batch[-1].pk
        if len(batch) < BATCH:
            return
