"""What a person may ask of us: everything we hold about them, and to be forgotten."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.console import pages
from campaigns.operations.models import AuditEntry
from campaigns.privacy import erase as erasing
from campaigns.privacy import export as exporting
from campaigns.profiles.models import Contact
from orchestrator import clock

ERASE = "profiles.delete_contact"


@require_POST
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """A file; that somebody took it is in the audit. A POST, because it leaves that trace."""
    pages.require_people(request)
    pages.require(request, ERASE)
    contact = get_object_or_404(Contact, pk=pk)
    now = clock.utcnow()
    document = exporting.export_contact(contact_id=contact.pk, now=now)
    AuditEntry.objects.create(
        at=now, actor=request.user.get_username(), action="privacy.export", subject=f"contact:{contact.external_id}"
    )
    response = HttpResponse(json.dumps(document, ensure_ascii=False, indent=1), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="contact-{contact.pk}.json"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """A page that says what is lost, then the erasure, once the contact's ID is typed."""
    pages.require_people(request)
    pages.require(request, ERASE)
    contact = get_object_or_404(Contact, pk=pk, erased_at__isnull=True)
    typed = request.POST.get("typed", "").strip()
    if request.method == "POST" and typed == contact.external_id:
        erasing.erase_contact(contact_id=contact.pk, by=request.user.get_username(), now=clock.utcnow())
        messages.success(request, _("Erased. Nothing goes to this person any more, whoever imports them again."))
        return redirect("admin:studio-contact", pk=contact.pk)
    context = {
        "section": "contacts",
        "title": _("Erase this person"),
        "contact": contact,
        "typed": typed,
        "is_wrong": request.method == "POST",
    }
    return pages.show(request, "console/contacts/erase.html", context, status=422 if request.method == "POST" else 200)
