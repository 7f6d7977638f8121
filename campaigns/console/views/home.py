from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from campaigns.analytics import home as home_figures
from campaigns.console import pages
from orchestrator import clock


def show_home(request: HttpRequest) -> HttpResponse:
    now = clock.utcnow()
    context = {
        "section": "home",
        "title": _("Home"),
        "now": now,
        "needs": home_figures.find_needs(now=now),
        "campaigns": home_figures.list_campaigns(now=now),
        "freshness": home_figures.read_freshness(now=now),
        "set_up": home_figures.check_set_up(),
        "tasks": home_figures.running_tasks(),
    }
    return pages.show(request, "console/home.html", context)
