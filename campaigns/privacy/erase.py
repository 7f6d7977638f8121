"""Erase a person in every room.

What remains is a keyed hash of each address, so that a file or a CRM that brings the address again brings nobody who
is written to.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from campaigns.consent import forget as consent
from campaigns.consent import opt_out, points
from campaigns.consent.models import ContactPoint
from campaigns.crm import forget as crm
from campaigns.delivery import forget as delivery
from campaigns.intake import forget as intake
from campaigns.offers import asked_call
from campaigns.offers import forget as offers
from campaigns.operations import forget as operations
from campaigns.operations.models import AuditEntry
from campaigns.profiles import forget as profiles
from campaigns.profiles.models import Contact
from campaigns.usage import forget as usage

LIMIT = 100


def erase_contact(*, contact_id: int, by: str, now: datetime) -> bool:
    """In force when this returns; False where it was done before. Cannot be undone.

    The no comes first, as every no does and in a transaction of its own: a send that begins holds its message while it
    waits for the point. What dies between the two is taken up by `erase_marked`. Raises Contact.DoesNotExist.
    """
    with transaction.atomic():
        contact = Contact.objects.get(pk=contact_id)
        if contact.erased_at is not None:
            return False
        own = points.ensure_points(contacts=[contact], channel="in_app")[contact.pk]
        opt_out.opt_out(
            point_id=own.pk,
            reason=ContactPoint.Reason.ERASED,
            source="erasure",
            evidence={"by": by},
            at=now,
            now=now,
            all_channels=True,
        )
    with transaction.atomic():
        # No stronger than that: who holds a row that is emptied here may write another that names the contact.
        contact = Contact.objects.select_for_update(no_key=True).get(pk=contact_id)
        if contact.erased_at is not None:
            return False
        _forget(profiles.person_of(contact=contact), now)
        subject = f"contact:{Contact.objects.values_list('external_id', flat=True).get(pk=contact_id)}"
        AuditEntry.objects.create(at=now, actor=by, action="privacy.erase", subject=subject)
    return True


def erase_marked(*, now: datetime, limit: int = LIMIT) -> int:
    """Those whose erasure was told by another system: their addresses get nothing already, the rest follows here."""
    marked = ContactPoint.objects.filter(channel="in_app", reason=ContactPoint.Reason.ERASED)
    due = Contact.objects.filter(pk__in=marked.values("contact_id"), erased_at__isnull=True)
    ids = list(due.order_by("pk").values_list("pk", flat=True)[:limit])
    return sum(erase_contact(contact_id=contact_id, by="system", now=now) for contact_id in ids)


def _forget(person: profiles.Person, now: datetime) -> None:
    with connection.cursor() as cursor:
        # Evidence is append-only; this transaction alone says that it erases.
        cursor.execute("SET LOCAL crescendo.erasing = 'on'")
        intake.forget(person=person)
        usage.forget(person=person)
        calls = delivery.forget(person=person, now=now)
        crm.forget(person=person)
        offers.forget(person=person)
        consent.forget(person=person)
        operations.forget(subjects=[f"contact:{one}" for one in person.external_ids])
        profiles.forget(person=person, now=now)
        cursor.execute("SET LOCAL crescendo.erasing = 'off'")
    # Once they are erased: it is for the others that are left.
    asked_call.ask_again(calls=calls)
