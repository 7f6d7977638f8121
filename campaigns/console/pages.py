"""What every studio page shares: the frame's context, its navigation, the reader's time zone, who may change what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import task_list
from campaigns.operations.models import StaffProfile
from orchestrator import clock
from orchestrator.channels import registry


def show(request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a studio page, in the reader's time zone as all behind the login (`site`). A fragment ("page.html#part",
    or a file named "_part.html") gets no frame around it."""
    if "#" in template or template.rpartition("/")[2].startswith("_"):
        return render(request, template, dict(context), status=status)
    return render(request, template, {**frame(request), **context}, status=status)


def frame(request: HttpRequest) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "is_nav_sidebar_enabled": False,
        "navigation": navigation(),
        "set_up_navigation": set_up_navigation(),
        "environment_badge": environment_badge(),
        "languages": settings.LANGUAGES,
    }


def time_zone_of(request: HttpRequest) -> ZoneInfo:
    """As the person's profile says; UTC without a profile or with a zone that does not exist."""
    profile = StaffProfile.objects.filter(user_id=request.user.pk or 0).only("time_zone").first()
    try:
        return ZoneInfo(profile.time_zone if profile else "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def require(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied (answered 403) unless the person has it, e.g. `segments.change_segment`."""
    if not request.user.has_perm(permission):
        raise PermissionDenied(_("You may look at this, but not change it. Ask an administrator."))


def sees_people(request: HttpRequest) -> bool:
    """Whether names and addresses of customers' people may be shown: on the pages of contacts and on all others."""
    return bool(request.user.has_perm("profiles.view_contact"))


def require_people(request: HttpRequest) -> None:
    """Raise PermissionDenied unless the person `sees_people`."""
    if not sees_people(request):
        raise PermissionDenied(_("Contacts show addresses of people. Ask an administrator to let you see them."))


def navigation() -> list[dict[str, Any]]:
    """`count` is what waits there; `counted` says it in words."""
    due = task_list.count_due(now=clock.utcnow())
    return [
        {"section": "home", "url": "admin:studio-home", "icon": "home", "name": _("Home")},
        {"section": "segments", "url": "admin:studio-segments", "icon": "segment", "name": _("Segments")},
        {"section": "campaigns", "url": "admin:studio-campaigns", "icon": "campaign", "name": _("Campaigns")},
        {"section": "templates", "url": "admin:studio-templates", "icon": "template", "name": _("Templates")},
        {"section": "tests", "url": "admin:studio-tests", "icon": "experiment", "name": _("Tests")},
        {"section": "offers", "url": "admin:offers_offer_changelist", "icon": "offer", "name": _("Offers")},
        {"section": "contacts", "url": "admin:studio-contacts", "icon": "contact", "name": _("Contacts")},
        {"section": "accounts", "url": "admin:profiles_account_changelist", "icon": "audience", "name": _("Accounts")},
        {
            "section": "tasks",
            "url": "admin:studio-tasks",
            "icon": "task",
            "name": _("CSM tasks"),
            "count": due,
            "counted": ngettext("%(n)d to do by today", "%(n)d to do by today", due) % {"n": due},
        },
    ]


def set_up_navigation() -> list[dict[str, str]]:
    return [
        {"section": "consent", "url": "admin:studio-topics", "icon": "shield", "name": _("Consent")},
        {"section": "sources", "url": "admin:intake_source_changelist", "icon": "source", "name": _("Sources")},
        {"section": "sending", "url": "admin:studio-sending", "icon": "limits", "name": _("Sending")},
        {"section": "crm", "url": "admin:crm_crmconnection_changelist", "icon": "refresh", "name": _("CRM")},
        {"section": "data", "url": "admin:data", "icon": "settings", "name": _("All data")},
    ]


def environment_badge() -> str:
    """Words for the top bar where messages do not reach real people; empty where they do."""
    if not registry.get("email").is_live:
        return _("Outbox only: nothing leaves this machine")
    if "//127.0.0.1" in settings.SENDGRID_API_BASE:
        return _("Sandbox: nothing leaves this machine")
    if not registry.get("sms").is_live:
        return _("SMS: outbox only")
    return ""
