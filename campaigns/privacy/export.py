"""Everything that is held about one person, as a document they can be given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from campaigns.consent.models import ConsentRecord, ContactPoint, DoubtfulReply
from campaigns.delivery.models import CsmTask, InAppMessage, Message, PastMessage, ProviderEvent
from campaigns.intake.models import InboundEvent
from campaigns.offers.models import Quote, Refusal
from campaigns.operations.models import AuditEntry
from campaigns.profiles import forget as profiles
from campaigns.profiles.models import Contact, Membership, SupportTicket
from campaigns.segments.models import SegmentMembership
from campaigns.sequences.models import Enrolment
from campaigns.usage.models import UsageEvent

# Of our own working: says nothing about anybody.
_INTERNAL = frozenset({"xid", "dedupe_key", "lease_until", "claimed_by", "account_revision", "revision", "trait_times"})


def export_contact(*, contact_id: int, now: datetime) -> dict[str, Any]:
    """By room, rows as they are stored; times ISO 8601, hashes hexadecimal. Raises Contact.DoesNotExist."""
    contact = Contact.objects.get(pk=contact_id)
    person = profiles.person_of(contact=contact)
    found: Mapping[str, QuerySet[Any]] = {
        "contact": Contact.objects.filter(pk=contact_id),
        "other_ids": contact.aliases.all(),
        "memberships": Membership.objects.filter(contact=contact),
        "support_tickets": SupportTicket.objects.filter(contact=contact),
        "addresses": ContactPoint.objects.filter(Q(contact=contact) | Q(address_hash__in=person.hashes)),
        "consent": ConsentRecord.objects.filter(contact=contact),
        "replies_that_may_be_a_no": DoubtfulReply.objects.filter(
            Q(contact=contact) | Q(point__address_hash__in=person.hashes)
        ),
        "messages": Message.objects.filter(contact=contact),
        "messages_no_longer_kept": PastMessage.objects.filter(contact=contact),
        "in_app_messages": InAppMessage.objects.filter(contact=contact),
        "calls": CsmTask.objects.filter(contact=contact),
        "reports": ProviderEvent.objects.filter(
            Q(message__in=Message.objects.filter(contact=contact).values("uuid")) | Q(address_hash__in=person.hashes)
        ),
        "offers_answered": Quote.objects.filter(answered_by=contact),
        "refusals": Refusal.objects.filter(contact=contact),
        "campaigns": Enrolment.objects.filter(contact=contact),
        "segments": SegmentMembership.objects.filter(contact=contact),
        "usage_events": UsageEvent.objects.filter(contact=contact),
        "received_events": InboundEvent.objects.filter(payload__userId__in=person.external_ids),
        "audit": AuditEntry.objects.filter(subject__in=[f"contact:{one}" for one in person.external_ids]),
    }
    held = {name: [_plain(row) for row in rows.order_by("pk").values()] for name, rows in found.items()}
    return {"exported_at": now.isoformat(), **held}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items() if name not in _INTERNAL}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value if isinstance(value, str | int | float | bool | dict | list | None) else str(value)
