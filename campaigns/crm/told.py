"""What of ours may stand in the CRM. Where it does, reading it there tells us nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from django.db.models import F
from django.db.models.fields.json import KeyTextTransform

from campaigns.crm.models import CrmConnection, WriteBack


def values_told(*, connection: CrmConnection, external_ids: Collection[str], name: str) -> Mapping[str, set[str]]:
    """By contact the values of the property that may stand there from us: the one told last, and what was tried and
    never answered."""
    rows = WriteBack.objects.filter(
        connection=connection, kind=WriteBack.Kind.CONTACT_STATUS, payload__properties__has_key=name
    )
    theirs = rows.alias(told_of=KeyTextTransform("external_id", "payload")).filter(told_of__in=list(external_ids))
    done: dict[str, str] = {}
    told: dict[str, set[str]] = defaultdict(set)
    for row in theirs.order_by(F("done_at").asc(nulls_first=True), "pk"):
        external_id, value = row.payload["external_id"], row.payload["properties"][name]
        if row.state == WriteBack.State.DONE:
            done[external_id] = value
        elif row.attempts or row.last_error:
            told[external_id].add(value)
    for external_id, value in done.items():
        told[external_id].add(value)
    return told
