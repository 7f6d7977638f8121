from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from campaigns.delivery import links
from campaigns.public import pages
from orchestrator import clock
from orchestrator.jobs import bells


@require_safe
def click(request: HttpRequest, token: str) -> HttpResponse:
    """To the stored target of the link: a page of ours, or an address that was launched. A fetch is recorded; it
    decides nothing."""
    seen: dict[str, Any] = {
        "method": request.method or "",
        "user_agent": request.headers.get("User-Agent", "")[:500],
        "now": clock.utcnow(),
        "wall_now": clock.wall_now(),
    }
    link = links.link_of(token=token)
    if link is not None:
        links.record_hit(link=link, **seen)
        bells.ring("feedback_stored")
        return pages.harden(HttpResponseRedirect(link.target))
    own = links.own_link_of(token=token)
    if own is None:
        return pages.not_found(request)
    target, message = own
    if message is not None:
        links.record_click(message=message, target=target, **seen)
        bells.ring("feedback_stored")
    return pages.harden(HttpResponseRedirect(target))
