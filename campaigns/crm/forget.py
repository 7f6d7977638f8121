from __future__ import annotations

from django.db.models import Q

from campaigns.crm.models import WriteBack
from campaigns.profiles.forget import Person

_WORDS = ("title", "body", "name")


def forget(*, person: Person) -> None:
    """What the CRM was told about the person in words goes; that it was told, under which key, stays."""
    theirs = Q(payload__contact__in=person.external_ids) | Q(payload__external_id__in=person.external_ids)
    for row in WriteBack.objects.filter(theirs).filter(payload__has_any_keys=list(_WORDS)):
        row.payload = {name: ("–" if name in _WORDS else value) for name, value in row.payload.items()}
        row.save(update_fields=["payload"])
