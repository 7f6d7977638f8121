from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from campaigns.delivery import links
from campaigns.public import pages
from orchestrator import clock
from orchestrator.jobs import bells


@require_safe
def click(request: HttpRequest, token: str) -> HttpResponse:
    """To the stored target of the link, if it is a page of ours. A fetch is recorded; it decides nothing."""
    link = links.link_of(token=token)
    if link is None:
        return pages.not_found(request)
    links.record_hit(
        link=link,
        method=request.method or "",
        user_agent=request.headers.get("User-Agent", "")[:500],
        now=clock.utcnow(),
        wall_now=clock.wall_now(),
    )
    bells.ring("feedback_stored")
    return pages.harden(HttpResponseRedirect(link.target))
