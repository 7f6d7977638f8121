from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from campaigns.console import charts, home_page, pages, set_up
from orchestrator import clock


def show_home(request: HttpRequest) -> HttpResponse:
    now = clock.utcnow()
    context = {
        "section": "home",
        "title": _("Home"),
        "now": now,
        "set_up": set_up.check_set_up(),
        "sent": charts.draw_sent(now=now, zone=pages.time_zone_of(request)),
        **home_page.gather(now=now),
    }
    return pages.show(request, "console/home.html", context)
