"""The list of campaigns, a new one, the page of one."""

from __future__ import annotations

import copy
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from campaigns.console import (
    attention,
    campaign_page,
    campaign_rows,
    charts,
    drafts,
    listing,
    overtaking,
    pages,
    sending_words,
    skeleton,
)
from campaigns.console.attention import Point
from campaigns.console.campaign_rows import Row
from campaigns.console.forms import audience as audience_form
from campaigns.console.forms.audience import AudienceForm
from campaigns.console.forms.campaigns import (
    GoalForm,
    LimitsForm,
    NewCampaignForm,
    TrackingForm,
    offer_value,
    segment_choices,
    slug_for,
)
from campaigns.console.forms.exits import ExitsForm
from campaigns.console.listing import Asked
from campaigns.console.templatetags.console import count
from campaigns.delivery import selectors as delivery
from campaigns.delivery import switch
from campaigns.segments.models import Segment
from campaigns.sequences import audience, move, selectors
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign
from campaigns.usage import selectors as usage
from orchestrator import clock

CHANGE = "sequences.change_campaign"
SWITCH = "operations.change_sendswitch"


@require_safe
def list_campaigns(request: HttpRequest) -> HttpResponse:
    filters = campaign_rows.filters()
    asked = listing.read(request, filters=filters, sorts=campaign_rows.SORTS)
    context = {
        "section": "campaigns",
        "title": _("Campaigns"),
        "list": listing.make(
            request,
            asked=asked,
            rows=_rows(request, asked, clock.utcnow()),
            total=Campaign.objects.count,
            nouns=lambda n: ngettext("%(number)s campaign", "%(number)s campaigns", n) % {"number": count(n)},
            find_label=_("Find campaigns"),
            file="admin:studio-campaigns-csv",
            filters=filters,
        ),
        "currency": settings.REPORTING_CURRENCY,
        "off": _off(request, clock.utcnow()),
    }
    return pages.show(request, "console/campaigns/list.html", context)


@require_safe
def export_campaigns(request: HttpRequest) -> StreamingHttpResponse:
    now = clock.utcnow()
    asked = listing.read(request, filters=campaign_rows.filters(), sorts=campaign_rows.SORTS)
    rows = campaign_rows.cells(_rows(request, asked, now))
    return listing.export(name="campaigns", head=campaign_rows.HEAD, rows=rows, now=now)


def _rows(request: HttpRequest, asked: Asked, now: datetime) -> list[Row]:
    return campaign_rows.make_rows(asked=asked, now=now, wall_now=clock.wall_now())


def make_campaign(request: HttpRequest) -> HttpResponse:
    pages.require(request, CHANGE)
    form = NewCampaignForm(
        request.POST if request.method == "POST" else None, initial={"segment": request.GET.get("segment", "")}
    )
    if request.method == "POST" and form.is_valid():
        slug = slug_for(form.cleaned_data["name"])
        segment = Segment.objects.select_related("live_version").get(slug=form.cleaned_data["segment"])
        meter = audience.meter_of(segment=segment)
        document = skeleton.new_document(
            slug=slug,
            name=form.cleaned_data["name"],
            segment=segment.slug,
            offer=offer_value(form.cleaned_data["offer"]),
            has_meter=meter is not None,
            unit=usage.unit_of(meter=meter),
        )
        try:
            drafts.make(document=document, by=request.user.get_username(), now=clock.utcnow())
        except CampaignFileError as error:
            form.add_error(None, error.message)
        else:
            return redirect("admin:studio-campaign", slug=slug)
    context = {
        "section": "campaigns",
        "title": _("New campaign"),
        "form": form,
        "has_segments": bool(segment_choices()),
    }
    return pages.show(request, "console/campaigns/new.html", context, status=200 if not form.errors else 422)


def show_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = campaign_of(slug)
    if request.htmx.target != "panel":  # type: ignore[attr-defined]
        return show_page(request, campaign)
    panel = campaign_page.make_panel(
        campaign=campaign, asked=request.GET.dict(), sees_people=pages.sees_people(request), now=clock.utcnow()
    )
    context = {
        "campaign": campaign,
        "panel": panel,
        "has_letters": panel.is_compared,
        "is_draft": campaign.draft_version is not None,
        "can_test": request.user.has_perm(CHANGE) and pages.sees_people(request),
    }
    return pages.show(request, "console/campaigns/_panel.html", context)


def show_page(
    request: HttpRequest,
    campaign: Campaign,
    *,
    editing: str = "",
    form: GoalForm | AudienceForm | LimitsForm | ExitsForm | TrackingForm | None = None,
) -> HttpResponse:
    """The whole page; `editing` a part, with the form that was just posted if it was wrong."""
    now = clock.utcnow()
    context = campaign_page.gather(
        campaign=campaign, asked=request.GET.dict(), sees_people=pages.sees_people(request), now=now
    )
    document = context["document"]
    can_change = request.user.has_perm(CHANGE)
    editing = editing or request.GET.get("edit", "")
    kinds: dict[str, type[GoalForm | AudienceForm | LimitsForm | ExitsForm | TrackingForm]] = {
        "goal": GoalForm,
        "audience": AudienceForm,
        "limits": LimitsForm,
        "exits": ExitsForm,
        "tracking": TrackingForm,
    }
    context |= {
        "was": {name: overtaking.fingerprint(kind.initial_of(document)) for name, kind in kinds.items()},
        "title": campaign.name,
        "attention": _attention(request, campaign, now),
        "off": _off(request, now, gate=campaign.slug) if campaign.status == Campaign.Status.LIVE else None,
        "days": charts.draw_campaign(campaign=campaign, now=now, zone=pages.time_zone_of(request)),
        "can_change": can_change,
        "can_test": can_change and pages.sees_people(request),
        "can_edit": can_change and context["is_draft"],
        "behind": move.count_behind(campaign=campaign),
        "editing": editing if context["is_draft"] and can_change else "",
        "goal_form": form if isinstance(form, GoalForm) else GoalForm(initial=GoalForm.initial_of(document)),
        "audience_form": form
        if isinstance(form, AudienceForm)
        else AudienceForm(initial=AudienceForm.initial_of(document), **audience_form.context_of(document)),
        "exits_form": form if isinstance(form, ExitsForm) else ExitsForm(initial=ExitsForm.initial_of(document)),
        "tracking_form": form
        if isinstance(form, TrackingForm)
        else TrackingForm(initial=TrackingForm.initial_of(document)),
        "limits_form": form if isinstance(form, LimitsForm) else LimitsForm(initial=LimitsForm.initial_of(document)),
    }
    return pages.show(request, "console/campaigns/campaign.html", context, status=422 if form is not None else 200)


def _off(request: HttpRequest, now: datetime, *, gate: str = "") -> dict[str, object] | None:
    """Why nothing goes though a campaign is live, and what waits; None while sending is on."""
    standing = switch.read_standing()
    if standing.is_on:
        return None
    why = sending_words.why_off(standing, now=now)
    waiting = sending_words.waiting(delivery.count_waiting(now=now, gate=gate))
    return {"why": why, "waiting": waiting, "can_release": request.user.has_perm(SWITCH)}


def _attention(request: HttpRequest, campaign: Campaign, now: datetime) -> list[Point]:
    return attention.of_campaign(campaign=campaign, now=now, wall_now=clock.wall_now())


def copy_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    """A launched campaign is not rewritten under those it writes to: its copy is a draft of its own."""
    pages.require(request, CHANGE)
    campaign = campaign_of(slug)
    if request.method != "POST":
        return redirect("admin:studio-campaign", slug=slug)
    document = copy.deepcopy(drafts.document_of(campaign=campaign))
    document["name"] = _("%(name)s, copy") % {"name": campaign.name}
    document["slug"] = slug_for(f"{campaign.slug}-copy")
    try:
        drafts.make(document=document, by=request.user.get_username(), now=clock.utcnow())
    except CampaignFileError as error:
        messages.error(request, error.message)
        return redirect("admin:studio-campaign", slug=slug)
    words = _("A new draft was made of it. The one that runs stays as it is.")
    messages.success(request, words)
    return redirect("admin:studio-campaign", slug=document["slug"])


def campaign_of(slug: str) -> Campaign:
    campaign = selectors.by_slug(slug=slug)
    if campaign is None:
        raise Http404(_("There is no campaign %(slug)s.") % {"slug": slug})
    return campaign


def page_of(campaign: Campaign, anchor: str = "", **query: str) -> str:
    return reverse("admin:studio-campaign", args=[campaign.slug], query=query or None, fragment=anchor or None)
