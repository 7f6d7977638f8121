from __future__ import annotations

from campaigns.offers.models import Refusal
from campaigns.profiles.forget import Person


def forget(*, person: Person) -> None:
    """What they wrote when they declined; that they did, and the reason they chose, stays the account's."""
    Refusal.objects.filter(contact_id=person.contact_id).exclude(note="").update(note="")
