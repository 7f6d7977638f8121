from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.console import charts, home_page, pages, set_up
from campaigns.delivery import switch
from orchestrator import clock
from orchestrator.jobs import bells

RELEASE = "operations.change_sendswitch"


def show_home(request: HttpRequest) -> HttpResponse:
    now = clock.utcnow()
    context = {
        "section": "home",
        "title": _("Home"),
        "now": now,
        "set_up": set_up.check_set_up(),
        "sent": charts.draw_sent(now=now, zone=pages.time_zone_of(request)),
        **_gather(request, now),
    }
    return pages.show(request, "console/home.html", context)


def _gather(request: HttpRequest, now: datetime) -> dict[str, Any]:
    return home_page.gather(now=now, wall_now=clock.wall_now())


@require_POST
def release_sending(request: HttpRequest) -> HttpResponse:
    """A person has looked at a restored database: it may send. A switch that somebody turned off stays off."""
    pages.require(request, RELEASE)
    if switch.is_held_after_restore():
        by = request.user.get_username()
        switch.set_switch(is_on=True, by=by, reason="released after a restore", now=clock.utcnow())
        bells.ring("messages_due")
        messages.success(request, _("Released: what is due goes out again."))
    return redirect("admin:studio-home")
