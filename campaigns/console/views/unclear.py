"""Messages that may or may not have arrived: a page that says the effect in numbers, then the decision."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import campaign_page, pages
from campaigns.console.templatetags.console import count
from campaigns.console.views import campaigns
from campaigns.sequences import unclear
from campaigns.sequences.lifecycle import WrongStateError
from campaigns.sequences.models import Campaign
from campaigns.sequences.unclear import Unclear
from orchestrator import clock
from orchestrator.jobs import bells

AGAIN, LEAVE = "again", "leave"


def settle_unclear(request: HttpRequest, slug: str) -> HttpResponse:
    """POST `do`: again or leave, with a `reason`."""
    pages.require(request, campaigns.CHANGE)
    campaign = campaigns.campaign_of(slug)
    if request.method == "POST":
        return _settle(request, campaign)
    found = unclear.look(campaign=campaign, now=clock.utcnow())
    if not found.messages:
        messages.success(request, _("Nothing is unclear any more."))
        return redirect(campaigns.page_of(campaign))
    context = {
        **campaign_page.frame(campaign=campaign),
        "title": _("Messages that may or may not have arrived"),
        "found": found,
        "sentences": sentences(campaign, found),
    }
    return pages.show(request, "console/campaigns/unclear.html", context)


def sentences(campaign: Campaign, found: Unclear) -> list[str]:
    words = ngettext(
        "Of %(n)s message nobody knows whether it arrived: the provider gave no answer and no sign.",
        "Of %(n)s messages nobody knows whether they arrived: the provider gave no answer and no sign.",
        found.messages,
    )
    said = [words % {"n": count(found.messages)}]
    if campaign.status not in unclear.SENDS:
        return [*said, _("The campaign sends nothing more, so they can’t be sent again.")]
    if found.again:
        words = ngettext(
            "Sent again, %(n)s person may get it twice.", "Sent again, %(n)s people may get it twice.", found.people
        )
        said.append(words % {"n": count(found.people)})
        said.append(_("What the provider reports before it goes out again keeps it from going twice."))
        said.append(_("Consent, limits and hours are looked at once more. Who opted out meanwhile gets nothing."))
    if found.came_again:
        words = ngettext(
            "%(n)s can’t be sent again: its reader or their account has come in again since, and gets the steps anew.",
            "%(n)s can’t be sent again: their readers or accounts have come in again since, and get the steps anew.",
            found.came_again,
        )
        said.append(words % {"n": count(found.came_again)})
    others = found.messages - found.again - found.came_again
    if others:
        words = ngettext(
            "%(n)s can’t be sent again: its reader left for a reason, the account changed, or it is a month old.",
            "%(n)s can’t be sent again: their readers left for a reason, the accounts changed, or they’re a month old.",
            others,
        )
        said.append(words % {"n": count(others)})
    if campaign.status == Campaign.Status.PAUSED and found.again:
        said.append(_("The campaign is paused: they would go once it is resumed."))
    return said


def _settle(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    by, reason = request.user.get_username(), request.POST.get("reason", "").strip()[:500]
    wanted = request.POST.get("do")
    if wanted not in (AGAIN, LEAVE):
        messages.error(request, _("This change is not known."))
        return redirect(campaigns.page_of(campaign))
    now = clock.utcnow()
    if wanted == LEAVE:
        number = unclear.leave(campaign=campaign, by=by, now=now, reason=reason)
        words = ngettext("%(n)s message stays as it is.", "%(n)s messages stay as they are.", number)
        messages.success(request, words % {"n": count(number)})
        return redirect(campaigns.page_of(campaign))
    try:
        number = unclear.send_again(campaign=campaign, by=by, now=now, reason=reason)
    except WrongStateError:
        messages.error(request, _("Nothing was changed: the campaign is in another state by now."))
    else:
        bells.ring("messages_due")
        words = ngettext("%(n)s message is sent again.", "%(n)s messages are sent again.", number)
        messages.success(request, words % {"n": count(number)})
    return redirect(campaigns.page_of(campaign))
