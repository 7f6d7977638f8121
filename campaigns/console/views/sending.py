"""Sending itself: switch it off and on, try a provider again, set how fast a sender sends."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from campaigns.console import pages, sending_page
from campaigns.console.forms.sending import RateForm
from campaigns.console.templatetags.console import count
from campaigns.delivery import breaker, pace, stalled, switch
from campaigns.delivery.models import SendGate
from orchestrator import clock
from orchestrator.jobs import bells

SWITCH = "operations.change_sendswitch"
DRIVE = "sequences.change_campaign"
TRY, RATE = "delivery.change_channelhealth", "delivery.change_sendrate"
PAGE = "admin:studio-sending"


@require_safe
def show_sending(request: HttpRequest) -> HttpResponse:
    now = clock.utcnow()
    context = {
        "section": "sending",
        "title": _("Sending"),
        "now": now,
        "can_switch": request.user.has_perm(SWITCH),
        "can_try": request.user.has_perm(TRY),
        "can_rate": request.user.has_perm(RATE),
        "can_drive": request.user.has_perm(DRIVE),
    }
    context |= sending_page.gather(now=now, wall_now=clock.wall_now())
    return pages.show(request, "console/sending/page.html", context)


@require_POST
def set_switch(request: HttpRequest) -> HttpResponse:
    """POST `to`: on or off, with a `reason`."""
    pages.require(request, SWITCH)
    wanted = request.POST.get("to")
    if wanted not in ("on", "off"):
        messages.error(request, _("This change is not known."))
        return redirect(PAGE)
    reason = request.POST.get("reason", "").strip()[:500]
    switch.set_switch(is_on=wanted == "on", by=request.user.get_username(), reason=reason, now=clock.utcnow())
    if wanted == "on":
        bells.ring("messages_due")
        messages.success(request, _("Sending is on: what is due goes out."))
    else:
        messages.success(request, _("Sending is off. Nothing goes out until somebody switches it on."))
    return redirect(PAGE)


@require_POST
def try_channel(request: HttpRequest, channel: str) -> HttpResponse:
    pages.require(request, TRY)
    by = request.user.get_username()
    if breaker.try_now(channel=channel, by=by, now=clock.utcnow(), wall_now=clock.wall_now()):
        bells.ring("messages_due")
        messages.success(request, _("The next message that is due is tried at once."))
    else:
        messages.error(request, _("Nothing was changed: this channel is not held back any more."))
    return redirect(PAGE)


@require_POST
def drive_again(request: HttpRequest) -> HttpResponse:
    """POST `campaign`, the short name of what stands still; with `back` to its own page."""
    pages.require(request, DRIVE)
    slug = request.POST.get("campaign", "")
    if not SendGate.objects.filter(slug=slug).exists():
        messages.error(request, _("This change is not known."))
        return redirect(PAGE)
    by = request.user.get_username()
    number = stalled.drive_again(gate=slug, by=by, now=clock.utcnow(), wall_now=clock.wall_now())
    for bell in ("reconcile", "enrolments_due", "messages_due"):
        bells.ring(bell)
    words = ngettext(
        "What is due is looked at now. %(n)s message was released or is tried at once.",
        "What is due is looked at now. %(n)s messages were released or are tried at once.",
        number,
    )
    messages.success(request, words % {"n": count(number)})
    return redirect("admin:studio-campaign", slug=slug) if request.POST.get("back") else redirect(PAGE)


@require_POST
def set_rate(request: HttpRequest) -> HttpResponse:
    """POST `sender` and `per_s`; empty goes back to the settings."""
    pages.require(request, RATE)
    form = RateForm(request.POST)
    known = {rate.sender for rate in sending_page.rates()}
    if not form.is_valid() or form.cleaned_data["sender"] not in known:
        messages.error(request, _("Nothing was changed: a rate is a whole number from 0 to 10,000."))
        return redirect(PAGE)
    pace.set_rate(
        sender=form.cleaned_data["sender"],
        per_s=form.cleaned_data["per_s"],
        by=request.user.get_username(),
        now=clock.utcnow(),
        wall_now=clock.wall_now(),
    )
    bells.ring("messages_due")
    messages.success(request, _("Saved. All workers keep to it within half a minute."))
    return redirect(PAGE)
