"""What is known of a person, emptied. The row stays: what was counted goes on summing to the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from campaigns.profiles import addresses
from campaigns.profiles.models import Contact, SupportTicket


@dataclass(frozen=True, slots=True)
class Person:
    """By what other rooms find what they hold of somebody: the ids that senders use, the addresses and their hashes."""

    contact_id: int
    external_ids: tuple[str, ...]
    needles: tuple[str, ...] = field(repr=False)
    hashes: tuple[bytes, ...] = field(repr=False)


def person_of(*, contact: Contact) -> Person:
    written = [addresses.normalise_email(contact.email), contact.phone]
    known = [value for value in written if value]
    ids = [contact.external_id, *contact.aliases.order_by("pk").values_list("value", flat=True)]
    return Person(
        contact_id=contact.pk,
        external_ids=tuple(dict.fromkeys(ids)),
        needles=tuple(known),
        hashes=tuple(value for one in known for value in addresses.hashes_of(one)),
    )


def forget(*, person: Person, now: datetime) -> None:
    """Names, addresses, traits and the words of their tickets go. Ids that senders use stay, so that what they send
    about somebody erased is known to be that and dropped; an id that is itself an address goes too."""
    contact = Contact.objects.select_for_update(no_key=True).get(pk=person.contact_id)
    contact.email = contact.phone = contact.first_name = contact.last_name = ""
    contact.locale = contact.time_zone = contact.country = ""
    contact.email_hash = contact.phone_hash = None
    contact.traits, contact.trait_times = {}, {}
    contact.created_at = contact.last_active_at = None
    if "@" in contact.external_id:
        contact.external_id = f"erased-{contact.pk}"
    contact.erased_at = now
    contact.save()
    contact.aliases.filter(value__contains="@").delete()
    SupportTicket.objects.filter(contact=contact).update(subject="")
