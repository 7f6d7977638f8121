"""Changes to goal, audience and limits; undo and redo."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from campaigns.console import drafts, overtaking, pages
from campaigns.console.forms import audience
from campaigns.console.forms.audience import AudienceForm
from campaigns.console.forms.campaigns import GoalForm, LimitsForm, TrackingForm
from campaigns.console.forms.exits import ExitsForm
from campaigns.console.views import campaigns
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign
from orchestrator import clock

_FORMS: dict[str, type[GoalForm | AudienceForm | LimitsForm | ExitsForm | TrackingForm]] = {
    "goal": GoalForm,
    "audience": AudienceForm,
    "limits": LimitsForm,
    "exits": ExitsForm,
    "tracking": TrackingForm,
}


class NoDraftError(Http404):
    """The campaign was launched meanwhile, or another draft dropped."""


def leads_back(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that only a draft has leads, once that was launched, to its campaign with a word about it: it stays in
    browsers' histories. What is sent to it is refused."""

    @functools.wraps(view)
    def shown(request: HttpRequest, slug: str, **rest: str) -> HttpResponse:
        try:
            return view(request, slug, **rest)
        except NoDraftError:
            if request.method != "GET" or request.htmx:  # type: ignore[attr-defined]
                raise
            campaign = campaigns.campaign_of(slug)
            if campaign.status == Campaign.Status.STOPPED:
                messages.info(request, _("This campaign was stopped: it can be read but not changed any more."))
            else:
                messages.info(request, _("This campaign was launched. Press “Edit” to change it in a next version."))
            return redirect(campaigns.page_of(campaign))

    return shown


@leads_back
def change_part(request: HttpRequest, slug: str, part: str) -> HttpResponse:
    campaign = draft_of(request, slug)
    if part not in _FORMS:
        raise Http404(part)
    if request.method != "POST":
        return redirect(campaigns.page_of(campaign, part, edit=part))
    document = drafts.document_of(campaign=campaign)
    extra = audience.context_of(document) if part == "audience" else {}
    kind = _FORMS[part]
    form = kind(request.POST, **extra)
    if overtaking.may_save(request, form, stored=kind.initial_of(document)):
        form.write(document)
        try:
            drafts.save(campaign=campaign, document=document, by=request.user.get_username(), now=clock.utcnow())
        except CampaignFileError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("Saved"))
            return redirect(campaigns.page_of(campaign, part))
    return campaigns.show_page(request, campaign, editing=part, form=form)


def change_version(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = draft_of(request, slug)
    if request.method == "POST":
        is_redo = request.POST.get("do") == "redo"
        find = drafts.version_after if is_redo else drafts.version_before
        version = find(campaign=campaign)
        if version is None:
            messages.error(request, _("There is nothing to bring back."))
        else:
            by = request.user.get_username()
            try:
                drafts.go_to_version(campaign=campaign, version=version, by=by, now=clock.utcnow())
                messages.success(request, _("This is version %(number)s again.") % {"number": version.number})
            except CampaignFileError as error:
                messages.error(request, _("Not brought back: %(why)s") % {"why": error.message})
    return redirect(campaigns.page_of(campaign))


def draft_of(request: HttpRequest, slug: str) -> Campaign:
    """The campaign, which must be a draft and the person allowed to change it."""
    pages.require(request, campaigns.CHANGE)
    campaign = campaigns.campaign_of(slug)
    if campaign.draft_version is None:
        raise NoDraftError(_("What runs can’t be changed. Edit the campaign: that makes a draft beside it."))
    return campaign
