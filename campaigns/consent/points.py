"""One row per address: where every opt-out lands and what every send locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

from campaigns.consent import carry
from campaigns.consent.models import ContactPoint
from campaigns.profiles import addresses
from campaigns.profiles.models import Contact

# What a contact is asked about, and what a no to everything reaches besides: a colleague's call, another system.
CHANNELS = ("email", "sms", "in_app")
EVERY_CHANNEL = (*CHANNELS, "csm_task", "webhook")

_INSERT = """
INSERT INTO consent_contactpoint
    (channel, address_hash, contact_id, is_blocked, is_held, reason, topics, revision)
SELECT %s, wanted.hash, wanted.contact_id, false, false, '', '{}'::jsonb, 0
FROM unnest(%s::bytea[], %s::bigint[]) AS wanted(hash, contact_id)
ORDER BY wanted.hash
ON CONFLICT (channel, address_hash) DO NOTHING
"""


def address_of(*, contact: Contact, channel: str) -> str:
    """Where this channel reaches the contact, in one spelling; empty when it does not.

    In-app, a colleague's task and a webhook have no address of the contact's: the contact itself stands for it, so
    that an objection has a row.
    """
    if channel == "email":
        return addresses.normalise_email(contact.email)
    if channel == "sms":
        return contact.phone
    if channel in ("in_app", "csm_task", "webhook"):
        return f"contact:{contact.pk}"
    return ""


def hash_of(*, contact: Contact, channel: str) -> bytes | None:
    address = address_of(contact=contact, channel=channel)
    return addresses.hash_address(address) if address else None


def ensure_points(*, contacts: Sequence[Contact], channel: str) -> dict[int, ContactPoint]:
    """The points of these contacts on a channel, made where they lacked; by contact id.

    A contact without an address there is left out. Two contacts with one address share its point:
    an opt-out by either is an opt-out of the address. A no that a contact gave under an earlier address comes along.
    """
    hashes = {contact.pk: found for contact in contacts if (found := hash_of(contact=contact, channel=channel))}
    points = _by_hash(channel, hashes.values())
    missing = {contact_id: value for contact_id, value in hashes.items() if value not in points}
    if missing:
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [channel, list(missing.values()), list(missing)])
        points = _by_hash(channel, hashes.values())
    made = {contact_id: points[value] for contact_id, value in hashes.items()}
    if not carry.carry_noes(points=made, channel=channel):
        return made
    points = _by_hash(channel, hashes.values())
    return {contact_id: points[value] for contact_id, value in hashes.items()}


def ensure_point_of_address(*, channel: str, address_hash: bytes) -> ContactPoint:
    """The point of an address that a provider named, even if no contact of ours has it (any more)."""
    contact_id = _contact_with(channel, address_hash)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [channel, [address_hash], [contact_id]])
    return ContactPoint.objects.get(channel=channel, address_hash=address_hash)


def _by_hash(channel: str, hashes: Iterable[bytes]) -> dict[bytes, ContactPoint]:
    found = ContactPoint.objects.filter(channel=channel, address_hash__any=set(hashes))
    return {bytes(point.address_hash): point for point in found}


def _contact_with(channel: str, address_hash: bytes) -> int | None:
    column = {"email": "email_hash", "sms": "phone_hash"}.get(channel)
    if column is None:
        return None
    found = Contact.objects.filter(**{column: address_hash}, erased_at__isnull=True)
    return found.order_by("pk").values_list("pk", flat=True).first()
