from __future__ import annotations

from django.db.models import Q

from campaigns.consent.models import ConsentRecord, DoubtfulReply
from campaigns.profiles.forget import Person

# Of the evidence these say who somebody is; that there was a yes or a no, when, by what and under which words stays.
_PERSONAL = ("ip", "note", "user_agent")


def forget(*, person: Person) -> None:
    """In a transaction that said it erases. The points keep their hashes: they are what keeps mail away."""
    theirs = Q(contact_id=person.contact_id) | Q(point__address_hash__in=person.hashes)
    DoubtfulReply.objects.filter(theirs).exclude(text="").update(text="")
    records = ConsentRecord.objects.filter(contact_id=person.contact_id, evidence__has_any_keys=list(_PERSONAL))
    for record in records:
        record.evidence = {name: value for name, value in record.evidence.items() if name not in _PERSONAL}
        record.save(update_fields=["evidence"])
