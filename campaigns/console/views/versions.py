"""A draft beside what runs, and people brought over from one version to the next."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import campaign_page, pages, step_words
from campaigns.console.templatetags.console import count
from campaigns.console.views import campaigns
from campaigns.sequences import apply, move
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign
from orchestrator import clock
from orchestrator.jobs import bells


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the preview. `key` is empty where nothing can be chosen."""

    version: int
    place: str
    contacts: int
    to: str
    why: str
    key: str
    chosen: str


def edit_campaign(request: HttpRequest, slug: str) -> HttpResponse:
    """POST `do`: `drop` takes the draft away again, all else makes one."""
    pages.require(request, campaigns.CHANGE)
    campaign = campaigns.campaign_of(slug)
    if request.method == "POST":
        by, now = request.user.get_username(), clock.utcnow()
        if request.POST.get("do") == "drop":
            if apply.drop_draft(campaign=campaign, by=by, now=now):
                messages.success(request, _("The draft is gone. What runs goes on as it was."))
        else:
            try:
                apply.begin_editing(campaign=campaign, by=by, now=now)
            except CampaignFileError:
                messages.error(request, _("A campaign that is over can’t be edited. Copy it as a new draft."))
    return redirect(campaigns.page_of(campaign))


def move_people(request: HttpRequest, slug: str) -> HttpResponse:
    """GET and POST `look` say who lands where; POST `move` does it if nobody else would land elsewhere by now."""
    pages.require(request, campaigns.CHANGE)
    campaign = campaigns.campaign_of(slug)
    known = _steps(campaign)
    asked = ((name, str(value)) for name, value in request.POST.items() if name.startswith("to-"))
    # A choice that a newer version took away is none: the page shows anew who lands where.
    mapping = {name.removeprefix("to-"): value for name, value in asked if value in known}
    try:
        if request.method == "POST" and request.POST.get("do") == "move":
            return _move(request, campaign, mapping)
        planned = move.preview_move(campaign=campaign, mapping=mapping)
    except move.MoveError as error:
        messages.error(request, str(error))
        return redirect(campaigns.page_of(campaign))
    return _show(request, campaign, planned, mapping)


def _move(request: HttpRequest, campaign: Campaign, mapping: dict[str, str]) -> HttpResponse:
    try:
        moved = move.move_enrolments(
            campaign=campaign,
            by=request.user.get_username(),
            now=clock.utcnow(),
            digest=request.POST.get("digest", ""),
            mapping=mapping,
        )
    except move.MoveError as error:
        messages.error(request, str(error))
        return _show(request, campaign, move.preview_move(campaign=campaign, mapping=mapping), mapping)
    bells.ring("enrolments_due")
    words = ngettext("%(n)s person was moved.", "%(n)s people were moved.", moved)
    messages.success(request, words % {"n": count(moved)})
    return redirect(campaigns.page_of(campaign))


def _show(request: HttpRequest, campaign: Campaign, planned: move.Move, mapping: dict[str, str]) -> HttpResponse:
    context = {
        **campaign_page.frame(campaign=campaign),
        "title": _("Move people to this version"),
        "planned": planned,
        "rows": _rows(campaign, planned, mapping),
        "staying": sum(one.contacts for one in planned.landings) - planned.moving,
        "steps": list(_steps(campaign).items()),
    }
    return pages.show(request, "console/campaigns/move.html", context)


def _rows(campaign: Campaign, planned: move.Move, mapping: dict[str, str]) -> list[Row]:
    """Versions oldest first, each in the order of its own steps."""
    names = _steps(campaign)
    numbers = {one.version for one in planned.landings}
    places = {
        one.number: step_words.numbered_titles(steps=one.definition["steps"])
        for one in campaign.versions.filter(number__in=numbers)
    }
    order = {number: {key: place for place, key in enumerate(titles)} for number, titles in places.items()}
    reasons = {
        move.NO_SUCH_STEP: _("Stay: this version has no such step. Choose where they land."),
        move.ALL_STEPS_DONE: _("Stay: they have all steps behind them."),
        move.WOULD_REPEAT: _("Stay: a message that they had would come to them again."),
        "": "",
    }
    last = len(max(order.values(), key=len, default={}))
    return [
        Row(
            version=one.version,
            place=places[one.version].get(one.step, _("after the last step")),
            contacts=one.contacts,
            to=names.get(one.to, ""),
            why=reasons[one.reason],
            key="" if one.reason == move.ALL_STEPS_DONE else one.step,
            chosen=mapping.get(one.step, ""),
        )
        for one in sorted(planned.landings, key=lambda one: (one.version, order[one.version].get(one.step, last)))
    ]


def _steps(campaign: Campaign) -> dict[str, str]:
    """{key: name} of the steps of the version that runs, in its order."""
    if campaign.live_version is None:
        return {}
    return step_words.numbered_titles(steps=campaign.live_version.definition["steps"])
