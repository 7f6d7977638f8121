"""Replies that may be a no: the list, and the two answers a colleague has for each."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.consent.decide import DecidedError
from campaigns.consent.models import DoubtfulReply
from campaigns.console import pages, preview_people, reply_page
from campaigns.console.listing import PAGE_SIZE
from campaigns.delivery import replies as deciding
from orchestrator import clock
from orchestrator.jobs import bells

SEE, CHANGE = "consent.view_doubtfulreply", "consent.change_doubtfulreply"
OUT, STAYS = "out", "stays"


@require_safe
def list_replies(request: HttpRequest) -> HttpResponse:
    """GET `sure`: the reply of which it is asked once more, for no colleague can take a no back."""
    _may_see(request)
    view = reply_page.view_of(request.GET)
    page = Paginator(reply_page.find_replies(view=view), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "section": "contacts",
        "title": _("Replies that need you"),
        "now": clock.utcnow(),
        "view": view,
        "tabs": reply_page.make_tabs(view=view),
        "page": page,
        "rows": reply_page.make_rows(replies=list(page.object_list)),
        "sure": preview_people.number_of(request.GET.get("sure", "")),
        "can_change": request.user.has_perm(CHANGE),
    }
    return pages.show(request, "console/replies.html", context)


@require_POST
def decide_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """POST `answer`: "out" or "stays"."""
    _may_see(request)
    pages.require(request, CHANGE)
    reply, answer = get_object_or_404(DoubtfulReply, pk=pk), request.POST.get("answer", "")
    if answer not in (OUT, STAYS):
        messages.error(request, _("This change is not known."))
        return redirect("admin:studio-replies")
    try:
        deciding.decide_reply(
            reply_id=reply.pk, is_out=answer == OUT, by=request.user.get_username(), now=clock.utcnow()
        )
    except DecidedError:
        messages.error(request, _("This reply was decided meanwhile. Nothing was changed."))
        return redirect("admin:studio-replies")
    bells.ring("enrolments_due")
    if answer == OUT:
        bells.ring("opt_outs_due")
        messages.success(request, _("Recorded as a no. It holds from now on, also for messages that are planned."))
    else:
        messages.success(request, _("Recorded: that was no no. They are written to again as before."))
    return redirect("admin:studio-replies")


def _may_see(request: HttpRequest) -> None:
    """A reply is what a person wrote, beside their name."""
    pages.require_people(request)
    if not (request.user.has_perm(SEE) or request.user.has_perm(CHANGE)):
        raise PermissionDenied(_("You may not read replies. Ask an administrator."))
