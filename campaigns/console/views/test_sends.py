"""Send one wording to oneself or a colleague. POST `address`, `contact`, `language`, `confirmed`."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.console import campaign_page, campaign_words, drafts, pages, preview_people
from campaigns.console.forms.test_sends import TestSendForm
from campaigns.console.views import campaigns, wordings
from campaigns.delivery import switch, test_send
from campaigns.sequences import try_out
from campaigns.sequences.cast import Person
from campaigns.sequences.models import Campaign
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.jobs import bells
from orchestrator.templating.errors import TemplateError


def send_test(request: HttpRequest, slug: str, key: str, letter: str) -> HttpResponse:
    pages.require(request, campaigns.CHANGE)
    pages.require_people(request)
    campaign = campaigns.campaign_of(slug)
    step = wordings.message_of(drafts.document_of(campaign=campaign), key, letter)
    if step["channel"] not in test_send.CHANNELS:
        raise Http404(_("Tests go by e-mail and SMS only."))
    form = _form(request, campaign, step, letter)
    if request.method == "POST" and form.is_valid() and _send(request, campaign, step, letter, form):
        return redirect(_back(campaign, key, letter, form.cleaned_data["language"], form.cleaned_data["contact"]))
    context = {
        **campaign_page.frame(campaign=campaign),
        "title": _("Send me a test"),
        "step": step,
        "letter": letter,
        "has_letters": len(step["variants"]) > 1,
        "channel": campaign_words.channel_name(step["channel"]),
        "form": form,
        "is_live": registry.get(step["channel"]).is_live,
        "back": _back(campaign, key, letter, request.GET.get("language", "en"), request.GET.get("contact", "")),
    }
    return pages.show(request, "console/campaigns/test_send.html", context, status=422 if form.errors else 200)


def _form(request: HttpRequest, campaign: Campaign, step: dict[str, Any], letter: str) -> TestSendForm:
    locales = list(step["variants"][letter]["content"])
    wanted = request.GET.get("language", "")
    initial = {
        "address": request.user.email if step["channel"] == "email" else "",  # type: ignore[union-attr]
        "contact": request.GET.get("contact", ""),
        "language": wanted if wanted in locales else locales[0],
    }
    return TestSendForm(
        request.POST if request.method == "POST" else None,
        initial=initial,
        channel=step["channel"],
        people=_people(request, campaign),
        locales=locales,
    )


def _send(request: HttpRequest, campaign: Campaign, step: dict[str, Any], letter: str, form: TestSendForm) -> bool:
    data = form.cleaned_data
    try:
        try_out.send_test(
            campaign=campaign,
            step_key=step["key"],
            variant=letter,
            locale=data["language"],
            person=form.person,
            address=data["address"],
            by=request.user.get_username(),
            now=clock.utcnow(),
            wall_now=clock.wall_now(),
        )
    except try_out.TooManyTestsError:
        form.add_error("address", _("Many tests went within the last hour. Try again later."))
        return False
    except TemplateError as error:
        form.add_error("contact", _("It can’t be filled in for this person: %(why)s") % {"why": error.message})
        return False
    bells.ring("messages_due")
    if switch.is_on():
        messages.success(request, _("The test is on its way to %(address)s.") % {"address": data["address"]})
    else:
        words = _("Sending is off: the test to %(address)s waits. It goes if sending is on again within an hour.")
        messages.warning(request, words % {"address": data["address"]})
    return True


def _people(request: HttpRequest, campaign: Campaign) -> list[Person]:
    """Whoever the preview showed, and some others."""
    now = clock.utcnow()
    people = campaign_page.find_people(campaign=campaign, now=now)
    wanted = request.POST.get("contact") or request.GET.get("contact", "")
    if any(str(one.contact.pk) == wanted for one in people):
        return people
    person = preview_people.find(campaign=campaign, contact=wanted, now=now)
    return people if person is None or str(person.contact.pk) != wanted else [person, *people]


def _back(campaign: Campaign, key: str, letter: str, language: str, contact: str) -> str:
    """To where the preview was: a draft's wording can be edited on; what runs is looked at on the campaign's page."""
    query = {"language": language, "contact": contact}
    if campaign.draft_version is not None:
        shown = {name: value for name, value in query.items() if value}
        return reverse("admin:studio-campaign-wording", args=[campaign.slug, key, letter], query=shown)
    return campaigns.page_of(campaign, f"step-{key}", step=key, variant=letter, contact=contact)
