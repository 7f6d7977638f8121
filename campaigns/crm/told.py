"""What of ours may stand in the CRM. Where it does, reading it there tells us nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

from campaigns.crm import writeback
from campaigns.crm.models import CrmConnection, WriteBack


def values_told(*, connection: CrmConnection, external_ids: Collection[str], name: str) -> Mapping[str, set[str]]:
    """By contact the values of the property that may stand there from us: the newest that was written (none goes over a
    newer one, however late it comes: see writeback), and what was tried since and has no answer yet. What was refused,
    or given up, is none of ours: in doubt a no is the person's own."""
    rows = WriteBack.objects.filter(
        connection=connection, kind=WriteBack.Kind.CONTACT_STATUS, payload__properties__has_key=name
    )
    theirs = rows.alias(told_of=KeyTextTransform("external_id", "payload")).filter(told_of__in=list(external_ids))
    told: dict[str, set[str]] = defaultdict(set)
    last: dict[str, int] = {}
    for row in theirs.filter(state=WriteBack.State.DONE).order_by("pk"):
        external_id = row.payload["external_id"]
        told[external_id], last[external_id] = {row.payload["properties"][name]}, row.pk
    is_open = Q(payload__has_key=writeback.UNANSWERED) | Q(attempts__gt=0, last_error="")
    for row in theirs.filter(is_open, state=WriteBack.State.PENDING):
        external_id = row.payload["external_id"]
        if row.pk > last.get(external_id, 0):
            told[external_id].add(row.payload["properties"][name])
    return told
