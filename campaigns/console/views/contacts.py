"""Contacts: the list, one contact with everything that happened, and a no that somebody told a colleague."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.consent import on_behalf
from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic
from campaigns.console import contact_page, contact_rows, contact_timeline, listing, pages
from campaigns.console.forms.contacts import OptOutForm
from campaigns.console.templatetags.console import count
from campaigns.console.views import privacy
from campaigns.profiles.models import Contact
from orchestrator import clock
from orchestrator.jobs import bells

OPT_OUT = "consent.add_consentrecord"
_DEFAULT_TOPIC = "offers"


@require_safe
def list_contacts(request: HttpRequest) -> HttpResponse:
    pages.require_people(request)
    filters, topic = contact_rows.filters(), _topic()
    asked = listing.read(request, filters=filters, sorts=contact_rows.SORTS)
    contacts = listing.make(
        request,
        asked=asked,
        rows=contact_rows.find_contacts(asked=asked, topic=topic),
        total=Contact.objects.current().count,
        nouns=lambda n: ngettext("%(shown)s contact", "%(shown)s contacts", n) % {"shown": count(n)},
        find_label=_("Name, e-mail, ID or account"),
        file="admin:studio-contacts-csv",
        filters=filters,
    )
    context = {
        "section": "contacts",
        "title": _("Contacts"),
        "now": clock.utcnow(),
        "topic_name": topic.name_in((get_language() or "en")[:2]),
        "list": contacts,
        "rows": contact_rows.make_rows(contacts=list(contacts.page.object_list), topic=topic),
    }
    return pages.show(request, "console/contacts/list.html", context)


@require_safe
def export_contacts(request: HttpRequest) -> StreamingHttpResponse:
    pages.require_people(request)
    topic = _topic()
    asked = listing.read(request, filters=contact_rows.filters(), sorts=contact_rows.SORTS)
    rows = contact_rows.cells(rows=contact_rows.find_contacts(asked=asked, topic=topic), topic=topic)
    return listing.export(name="contacts", head=contact_rows.HEAD, rows=rows, now=clock.utcnow())


@require_safe
def show_contact(request: HttpRequest, pk: int) -> HttpResponse:
    pages.require_people(request)
    contact = get_object_or_404(Contact.objects.select_related("merged_into"), pk=pk)
    now, zone = clock.utcnow(), pages.time_zone_of(request)
    states = consent.channel_states(contact=contact)
    memberships = contact_page.memberships_of(contact=contact)
    account_ids = [one.account_id for one in memberships]
    context = {
        "section": "contacts",
        "title": str(contact),
        "now": now,
        "contact": contact,
        "head": contact_page.make_head(contact=contact, states=states, memberships=memberships, now=now),
        "memberships": [(one.account, contact_page.role_words(one.role)) for one in memberships],
        "panel": contact_page.make_panel(states=states, zone=zone),
        "cards": contact_page.make_cards(memberships=memberships[:3], now=now),
        "tasks": contact_page.open_tasks(contact=contact, account_ids=account_ids),
        "timeline": contact_timeline.read_timeline(
            contact=contact,
            account_ids=account_ids,
            states=states,
            chosen=request.GET.get("f", ""),
            page=request.GET.get("page"),
            now=now,
            zone=zone,
        ),
        "can_erase": request.user.has_perm(privacy.ERASE) and not contact.erased_at,
        "can_opt_out": request.user.has_perm(OPT_OUT) and not contact.erased_at,
    }
    return pages.show(request, "console/contacts/contact.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def opt_out(request: HttpRequest, pk: int) -> HttpResponse:
    """A page that says what follows, then the no itself: in force when it is answered."""
    pages.require_people(request)
    pages.require(request, OPT_OUT)
    contact = get_object_or_404(Contact, pk=pk, erased_at__isnull=True)
    states = consent.channel_states(contact=contact)
    form = OptOutForm(request.POST or None, states=states)
    if request.method == "POST" and form.is_valid():
        on_behalf.record_opt_out(
            contact_id=contact.pk,
            channel=form.channel,
            topic=form.topic,
            by=request.user.get_username(),
            how=form.cleaned_data["how"],
            note=form.cleaned_data["note"],
            now=clock.utcnow(),
        )
        bells.ring("enrolments_due")
        messages.success(request, _("Recorded. It holds from now on, also for messages that are already planned."))
        return redirect("admin:studio-contact", pk=contact.pk)
    context = {
        "section": "contacts",
        "title": _("Record an opt-out"),
        "contact": contact,
        "form": form,
        "by": request.user.get_username(),
    }
    return pages.show(request, "console/contacts/opt_out.html", context, status=422 if form.errors else 200)


def _topic() -> ConsentTopic:
    """Whether somebody may be written to depends on what about: the list means offers."""
    topic = ConsentTopic.objects.filter(slug=_DEFAULT_TOPIC).first()
    return topic or ConsentTopic(slug=_DEFAULT_TOPIC, name=_("Offers"))
