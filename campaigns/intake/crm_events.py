"""The CRM says that something changed. Its webhooks carry too little to act on: what they name is read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from campaigns.crm import sync
from campaigns.crm.models import CrmConnection
from campaigns.intake.pending import Inbound, Verdicts

PREFIX = "hubspot."
_KINDS = {"company": "account", "contact": "contact", "ticket": "ticket"}


def take_events(*, rows: Sequence[Inbound]) -> Verdicts:
    """Move the watermark back to the earliest change told of. Ring `crm_sync` afterwards."""
    verdicts = Verdicts()
    earliest: dict[str, datetime] = {}
    for row in rows:
        noun, _, change = row.kind.removeprefix(PREFIX).partition(".")
        if change == "privacyDeletion":
            verdicts.bad[row.id] = "The CRM erased this contact for privacy: a person must erase it here too."
        elif noun in _KINDS:
            kind = _KINDS[noun]
            earliest[kind] = min(earliest.get(kind, row.at), row.at)
    connections = list(CrmConnection.objects.filter(kind="hubspot"))
    for kind, at in earliest.items():
        sync.reread_since(connections=connections, kind=kind, at=at)
    return verdicts
