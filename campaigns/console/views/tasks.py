"""Calls for customer success managers: the queue, one call with its context, what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from campaigns.console import listing, pages, task_list, task_page
from campaigns.console.forms.tasks import SNOOZES, AnswerForm
from campaigns.console.listing import Asked
from campaigns.console.templatetags.console import count
from campaigns.delivery import task_work
from campaigns.delivery.models import CsmTask
from campaigns.offers import call
from campaigns.offers import selectors as offers
from orchestrator import clock
from orchestrator.jobs import bells

SEE, CHANGE = "delivery.view_csmtask", "delivery.change_csmtask"


@require_safe
def list_tasks(request: HttpRequest) -> HttpResponse:
    _may_see(request)
    now, view, asked = clock.utcnow(), task_list.view_of(request.GET), _asked(request)
    tasks = listing.make(
        request,
        asked=asked,
        rows=task_list.find_tasks(view=view, asked=asked, user_id=request.user.pk, now=now),
        total=task_list.of_view(view=view, user_id=request.user.pk, now=now).count,
        nouns=lambda n: ngettext("%(number)s task", "%(number)s tasks", n) % {"number": count(n)},
        find_label=_("Account, person or task"),
        file="admin:studio-tasks-csv",
    )
    context = {
        "section": "tasks",
        "title": _("CSM tasks"),
        "now": now,
        "view": view,
        "tabs": task_list.make_tabs(view=view, user_id=request.user.pk, now=now),
        "list": tasks,
        "rows": task_list.make_rows(tasks=list(tasks.page.object_list), now=now),
        "currency": settings.REPORTING_CURRENCY,
    }
    return pages.show(request, "console/tasks/list.html", context)


@require_safe
def export_tasks(request: HttpRequest) -> StreamingHttpResponse:
    _may_see(request)
    now, view = clock.utcnow(), task_list.view_of(request.GET)
    rows = task_list.find_tasks(view=view, asked=_asked(request), user_id=request.user.pk, now=now)
    return listing.export(name="csm-tasks", head=task_list.HEAD, rows=task_list.cells(rows), now=now)


@require_safe
def show_task(request: HttpRequest, pk: int) -> HttpResponse:
    _may_see(request)
    return _page(request, _task(pk), AnswerForm())


@require_POST
def change_task(request: HttpRequest, pk: int) -> HttpResponse:
    """POST `do`: "take", "give", "assign" (with `to`), "snooze DAYS". It stays in somebody's queue."""
    pages.require(request, CHANGE)
    task, now = _task(pk), clock.utcnow()
    try:
        _change(request, task, now)
    except task_work.TaskClosedError:
        messages.error(request, _("This task was closed meanwhile. Nothing was changed."))
    except (ValueError, LookupError):
        messages.error(request, _("This change is not known."))
    return redirect("admin:studio-task", pk=pk)


@require_POST
def answer_task(request: HttpRequest, pk: int) -> HttpResponse:
    """Close it with `outcome`, `reason` (after a no) and `note`."""
    pages.require(request, CHANGE)
    task, form = _task(pk), AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, task, form, status=422)
    data = form.cleaned_data
    try:
        is_refused = call.record_call(
            task=task,
            outcome=data["outcome"],
            reason=data["reason"],
            note=data["note"],
            by_id=request.user.pk,
            now=clock.utcnow(),
        )
    except task_work.TaskClosedError:
        messages.error(request, _("This task was closed meanwhile. Nothing was changed."))
        return redirect("admin:studio-task", pk=pk)
    bells.ring("enrolments_due")
    if is_refused:
        bells.ring("conversions_due")
        messages.success(request, _("Closed. The no is recorded, and offers stop until it has cooled down."))
    else:
        messages.success(request, _("Closed: %(outcome)s.") % {"outcome": CsmTask.Outcome(task.outcome).label})
    if task.outcome == CsmTask.Outcome.NOT_NOW and offers.accepting_account_ids(account_ids=[task.account_id]):
        messages.warning(
            request,
            _("They had said yes before, and that upgrade is on its way: this no does not take it back. Tell them."),
        )
    return redirect("admin:studio-tasks")


def _change(request: HttpRequest, task: CsmTask, now: datetime) -> None:
    match request.POST.get("do", "").split():
        case ["take"]:
            task_work.assign_task(task=task, to_id=request.user.pk)
            messages.success(request, _("It is yours now."))
        case ["give"]:
            task_work.assign_task(task=task, to_id=None)
            messages.success(request, _("It is nobody’s again."))
        case ["assign"]:
            colleague = {str(user.pk): user for user in task_page.colleagues()}[request.POST.get("to", "")]
            task_work.assign_task(task=task, to_id=colleague.pk)
            messages.success(request, _("Given to %(name)s.") % {"name": task_list.name_of(colleague)})
        case ["snooze", days] if days in SNOOZES:
            task_work.snooze_task(task=task, until=now + timedelta(days=int(days)), now=now)
            messages.success(request, _("Put off. It comes back by itself."))
        case _:
            raise LookupError("An action that no button has.")


def _page(request: HttpRequest, task: CsmTask, form: AnswerForm, *, status: int = 200) -> HttpResponse:
    now = clock.utcnow()
    context: dict[str, Any] = {
        **task_page.gather(task=task, now=now, zone=pages.time_zone_of(request)),
        "section": "tasks",
        "title": task.title,
        "now": now,
        "form": form,
        "outcomes": CsmTask.Outcome.choices,
        "snoozes": SNOOZES.items(),
        "is_open": task.state == CsmTask.State.OPEN,
        "can_change": request.user.has_perm(CHANGE),
    }
    return pages.show(request, "console/tasks/task.html", context, status=status)


def _may_see(request: HttpRequest) -> None:
    """A task names a person and their phone."""
    if not (request.user.has_perm(SEE) or request.user.has_perm(CHANGE)):
        raise PermissionDenied(_("You may not see tasks. Ask an administrator."))


def _task(pk: int) -> CsmTask:
    rows = CsmTask.objects.select_related("account", "contact", "message", "assigned_to", "closed_by")
    return get_object_or_404(rows, pk=pk)


def _asked(request: HttpRequest) -> Asked:
    return listing.read(request, sorts=task_list.SORTS, carried={"show": task_list.view_of(request.GET)})
