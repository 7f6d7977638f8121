"""What of ours may stand in the CRM. Where it does, reading it there tells us nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Max, Q
from django.db.models.fields.json import KeyTextTransform

from campaigns.crm import writeback
from campaigns.crm.models import CrmConnection, WriteBack


@dataclass(frozen=True, slots=True)
class Moment:
    """Which write-backs were still to be written; those after `last` were not queued yet."""

    open: frozenset[int]
    last: int


def remember(*, connection: CrmConnection) -> Moment:
    """Before something is read in the CRM."""
    last = WriteBack.objects.aggregate(last=Max("pk"))["last"] or 0
    rows = WriteBack.objects.filter(
        connection=connection, kind=WriteBack.Kind.CONTACT_STATUS, state=WriteBack.State.PENDING
    )
    return Moment(frozenset(rows.values_list("pk", flat=True)), last)


def values_told(
    *, connection: CrmConnection, external_ids: Collection[str], name: str, since: Moment
) -> Mapping[str, set[str]]:
    """By contact the values of the property that may have stood there from us when it was read after `since`: the
    newest that was written before (none goes over a newer one, however late it comes: see writeback), what was written
    meanwhile, and what was tried and has no answer yet. What was refused, or given up, is none of ours: in doubt a no
    is the person's own."""
    rows = WriteBack.objects.filter(
        connection=connection, kind=WriteBack.Kind.CONTACT_STATUS, payload__properties__has_key=name
    )
    theirs = rows.alias(told_of=KeyTextTransform("external_id", "payload")).filter(told_of__in=list(external_ids))
    is_open = Q(payload__has_key=writeback.UNANSWERED) | Q(attempts__gt=0, last_error="")
    may_stand = Q(state=WriteBack.State.DONE) | (Q(state=WriteBack.State.PENDING) & is_open)
    told: dict[str, set[str]] = defaultdict(set)
    for row in theirs.filter(may_stand).order_by("pk"):
        external_id, value = row.payload["external_id"], row.payload["properties"][name]
        if row.state == WriteBack.State.DONE and row.pk not in since.open and row.pk <= since.last:
            told[external_id] = {value}
        else:
            told[external_id].add(value)
    return told
