"""The CRM says that something changed. Its webhooks carry too little to act on: what they name is read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from campaigns.consent import opt_out, points
from campaigns.consent.models import ContactPoint
from campaigns.crm import sync
from campaigns.crm.models import CrmConnection
from campaigns.intake.pending import Inbound, Verdicts
from campaigns.profiles.models import Contact, ContactAlias

PREFIX = "hubspot."
_KINDS = {"company": "account", "contact": "contact", "ticket": "ticket"}


def take_events(*, rows: Sequence[Inbound], now: datetime) -> Verdicts:
    """Move the watermark back to the earliest change told of. Ring `crm_sync` afterwards.

    A privacy deletion is an erasure: nothing goes there from now on, and the privacy room's job does the rest.
    """
    verdicts = Verdicts()
    earliest: dict[str, datetime] = {}
    erased: list[str] = []
    for row in rows:
        noun, _, change = row.kind.removeprefix(PREFIX).partition(".")
        if change == "privacyDeletion":
            erased.append(str(row.payload.get("objectId", "")))
        elif noun in _KINDS:
            kind = _KINDS[noun]
            earliest[kind] = min(earliest.get(kind, row.at), row.at)
    connections = list(CrmConnection.objects.filter(kind="hubspot"))
    for kind, at in earliest.items():
        sync.reread_since(connections=connections, kind=kind, at=at)
    _mark_erased(connections, erased, now)
    return verdicts


def _mark_erased(connections: Sequence[CrmConnection], crm_ids: Sequence[str], now: datetime) -> None:
    """One whom nobody here knows has nothing to erase."""
    aliases = ContactAlias.objects.filter(source__in=[one.slug for one in connections], value__in=crm_ids)
    owners = Contact.objects.filter(pk__in=aliases.values("contact_id"), erased_at__isnull=True).order_by("pk")
    for point in points.ensure_points(contacts=list(owners), channel="in_app").values():
        if point.reason == ContactPoint.Reason.ERASED:
            continue
        opt_out.opt_out(
            point_id=point.pk,
            reason=ContactPoint.Reason.ERASED,
            source="crm:privacy_deletion",
            at=now,
            now=now,
            all_channels=True,
        )
