"""Pause, resume, stop: a page that says the effect in numbers, then the act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import campaign_page, pages
from campaigns.console.templatetags.console import count
from campaigns.console.views import campaigns
from campaigns.delivery.models import Message
from campaigns.sequences import lifecycle, selectors
from campaigns.sequences.lifecycle import WrongStateError
from campaigns.sequences.models import Campaign
from orchestrator import clock
from orchestrator.jobs import bells

_ACTS: dict[str, Callable[..., Any]] = {
    "pause": lifecycle.pause,
    "resume": lifecycle.resume,
    "stop": lifecycle.stop,
}
_FROM = {"pause": {"LIVE"}, "resume": {"PAUSED"}, "stop": {"LIVE", "PAUSED"}}


@dataclass(frozen=True, slots=True)
class Effect:
    """What the button will do, before it is pressed."""

    title: str
    sentences: list[str]
    button: str
    tone: str
    done: str


def change_state(request: HttpRequest, slug: str, act: str) -> HttpResponse:
    pages.require(request, campaigns.CHANGE)
    campaign = campaigns.campaign_of(slug)
    if act not in _ACTS:
        raise Http404(act)
    if campaign.status not in _FROM[act]:
        messages.error(request, _("Nothing was changed: the campaign is in another state by now."))
        return redirect(campaigns.page_of(campaign))
    effect = effect_of(campaign, act)
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()
        try:
            _ACTS[act](campaign=campaign, by=request.user.get_username(), now=clock.utcnow(), reason=reason)
        except WrongStateError:
            messages.error(request, _("Nothing was changed: the campaign is in another state by now."))
        else:
            bells.ring("messages_due")
            messages.success(request, effect.done)
        return redirect(campaigns.page_of(campaign))
    context = {**campaign_page.frame(campaign=campaign), "title": effect.title, "effect": effect, "act": act}
    return pages.show(request, "console/campaigns/state.html", context)


def effect_of(campaign: Campaign, act: str) -> Effect:
    states = selectors.message_states(campaign=campaign)
    waiting = sum(states[state.value] for state in Message.OPEN)
    inside = sum(selectors.positions(campaign=campaign).values())
    if act == "pause":
        return Effect(
            _("Pause the campaign?"),
            [
                _("From now on no message goes out. Those being handed over this second still arrive."),
                f"{_messages(waiting)} {_people(inside)}",
                _("Nobody new enters. With “Resume” it goes on from here."),
            ],
            _("Pause"),
            "btn-primary",
            _("Paused. Nothing goes out until it is resumed."),
        )
    if act == "resume":
        return Effect(
            _("Resume the campaign?"),
            [
                f"{_messages(waiting)} {_people(inside)}",
                _("What fell due meanwhile goes now; what is past its time is skipped, not sent late."),
            ],
            _("Resume"),
            "btn-primary",
            _("It runs again."),
        )
    return Effect(
        _("Stop the campaign for good?"),
        [
            _skipped(waiting),
            _leaving(inside),
            _("Nobody new enters. This can’t be undone; a copy can start anew."),
        ],
        _("Stop for good"),
        "btn-danger",
        _("Stopped. Nothing more goes out."),
    )


def _messages(number: int) -> str:
    words = ngettext("%(n)s message waits.", "%(n)s messages wait.", number)
    return words % {"n": count(number)}


def _people(number: int) -> str:
    words = ngettext("%(n)s person is on the way.", "%(n)s people are on their way.", number)
    return words % {"n": count(number)}


def _skipped(number: int) -> str:
    words = ngettext("%(n)s waiting message is skipped.", "%(n)s waiting messages are skipped.", number)
    return words % {"n": count(number)}


def _leaving(number: int) -> str:
    words = ngettext("%(n)s person leaves the campaign.", "%(n)s people leave the campaign.", number)
    return words % {"n": count(number)}
