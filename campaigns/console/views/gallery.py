"""The template gallery: look at a situation, start a campaign from it, take its texts into a draft's wording."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_POST

from campaigns.console import campaign_page, drafts, gallery, gallery_page, gallery_start, pages
from campaigns.console.gallery import GalleryError, Situation
from campaigns.console.gallery_start import StartError
from campaigns.console.step_tree import StepError
from campaigns.console.views import campaigns, parts, previews, wordings
from campaigns.sequences import audience
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import LOCALES
from campaigns.usage.models import Meter
from orchestrator import clock
from orchestrator.jobs import bells


def list_templates(request: HttpRequest) -> HttpResponse:
    problem, cards = "", []
    try:
        cards = gallery_page.cards()
    except GalleryError as error:
        problem = str(error)
    context = {
        "section": "templates",
        "title": _("Templates"),
        "cards": cards,
        "problem": problem,
        "can_change": request.user.has_perm(campaigns.CHANGE),
    }
    return pages.show(request, "console/gallery/list.html", context)


def show_template(request: HttpRequest, slug: str) -> HttpResponse:
    situation = _situation_of(slug)
    context = {
        "section": "templates",
        "title": gallery_start.words_of(situation).name,
        "situation": situation,
        "words": gallery_start.words_of(situation),
        "view": gallery_page.view(situation=situation, asked=request.GET.dict(), now=clock.utcnow()),
        "facts": gallery_page.facts_of(situation),
        "steps": gallery_page.steps_of(situation),
        "can_change": request.user.has_perm(campaigns.CHANGE),
    }
    return pages.show(request, "console/gallery/template.html", context)


@xframe_options_sameorigin
@csp_override(previews.POLICY)
def show_preview(request: HttpRequest, slug: str, channel: str) -> HttpResponse:
    situation = _situation_of(slug)
    if channel not in gallery.CHANNELS:
        raise Http404(channel)
    language = request.GET.get("language", "")
    document = gallery_page.document_of(
        situation=situation,
        channel=channel,
        locale=language if language in LOCALES else gallery_page.spoken(),
        screen=request.GET.get("screen", ""),
        now=clock.utcnow(),
    )
    return HttpResponse(document)


@require_POST
def start_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    pages.require(request, campaigns.CHANGE)
    situation = _situation_of(slug)
    by = request.user.get_username()
    try:
        campaign = gallery_start.start_campaign(situation=situation, by=by, now=clock.utcnow())
    except StartError as error:
        messages.error(request, str(error))
        return redirect("admin:studio-template", slug=slug)
    bells.ring("segments_due")
    undo = reverse("admin:studio-template-undo", args=[campaign.slug])
    words = _("A draft was made from “%(name)s”. Nothing goes out before you launch it.")
    messages.success(request, words % {"name": campaign.name}, extra_tags=undo)
    return redirect("admin:studio-campaign", slug=campaign.slug)


@require_POST
def undo_start(request: HttpRequest, slug: str) -> HttpResponse:
    pages.require(request, campaigns.CHANGE)
    if gallery_start.discard_draft(slug=slug, by=request.user.get_username(), now=clock.utcnow()):
        messages.success(request, _("The draft is gone."))
        return redirect("admin:studio-templates")
    messages.error(request, _("Nothing was undone: there is no such draft any more."))
    return redirect("admin:studio-campaigns")


@parts.leads_back
def take_texts(request: HttpRequest, slug: str, key: str, letter: str) -> HttpResponse:
    """Choose a situation; its texts replace those of the wording, in all languages, after a look at them."""
    campaign = parts.draft_of(request, slug)
    document = drafts.document_of(campaign=campaign)
    step = wordings.message_of(document, key, letter)
    if step["channel"] not in gallery.CHANNELS:
        raise Http404(_("There are no templates for this channel."))
    if request.method == "POST":
        return _take(request, campaign, document, key, letter)
    chosen = gallery.find(request.GET.get("template", ""))
    context: dict[str, Any] = {
        **campaign_page.frame(campaign=campaign),
        "title": _("Take a text from the templates"),
        "step": step,
        "letter": letter,
        "letters": list(step["variants"]),
        "choices": [_choice(one, step["channel"], "offer" in document, chosen) for one in gallery.all_situations()],
        "chosen": chosen,
        "words": gallery_start.words_of(chosen) if chosen else None,
        "view": gallery_page.view(
            situation=chosen,
            asked={**request.GET.dict(), "channel": step["channel"]},
            now=clock.utcnow(),
            page=request.path,
        )
        if chosen
        else None,
        "editor": _editor(campaign, key, letter),
    }
    return pages.show(request, "console/gallery/take.html", context)


def _take(request: HttpRequest, campaign: Campaign, document: dict[str, Any], key: str, letter: str) -> HttpResponse:
    situation = _situation_of(request.POST.get("template", ""))
    meter = Meter.objects.filter(code=audience.meter_of(segment=campaign.edited_segment) or "").first()
    try:
        gallery_start.take_texts(document=document, key=key, letter=letter, situation=situation, meter=meter)
        drafts.save(campaign=campaign, document=document, by=request.user.get_username(), now=clock.utcnow())
    except (StartError, StepError, CampaignFileError) as error:
        messages.error(request, getattr(error, "message", str(error)))
        return redirect(request.get_full_path())
    undo = reverse("admin:studio-campaign-version", args=[campaign.slug])
    messages.success(request, _("The text was replaced in every language."), extra_tags=undo)
    return redirect(_editor(campaign, key, letter))


def _choice(situation: Situation, channel: str, has_offer: bool, chosen: Situation | None) -> dict[str, Any]:
    words = gallery_start.words_of(situation)
    texts = gallery_page.texts_of(situation=situation, channel=channel, locale=gallery_page.spoken())
    return {
        "slug": situation.slug,
        "icon": situation.icon,
        "name": words.name,
        "when": words.when,
        "fits": has_offer or not situation.has_offer,
        "is_chosen": situation == chosen,
        "texts": texts,
    }


def _editor(campaign: Campaign, key: str, letter: str) -> str:
    return reverse("admin:studio-campaign-wording", args=[campaign.slug, key, letter])


def _situation_of(slug: str) -> Situation:
    try:
        situation = gallery.find(slug)
    except GalleryError as error:
        raise Http404(str(error)) from error
    if situation is None:
        raise Http404(_("There is no template %(slug)s.") % {"slug": slug})
    return situation
