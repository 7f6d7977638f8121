"""What every studio page shares: the frame's context, its navigation, and who may do what."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from orchestrator.channels import registry


def show(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a studio page; a fragment ("page.html#part") gets no frame context."""
    if "#" in template:
        return render(request, template, context, status=status)
    frame = {
        **admin.site.each_context(request),
        "is_nav_sidebar_enabled": False,
        "navigation": navigation(),
        "set_up_navigation": set_up_navigation(),
        "environment_badge": environment_badge(),
        "languages": settings.LANGUAGES,
    }
    return render(request, template, {**frame, **context}, status=status)


def navigation() -> list[dict[str, str]]:
    return [
        {"section": "home", "url": "admin:studio-home", "icon": "home", "name": _("Home")},
        {"section": "segments", "url": "admin:studio-segments", "icon": "segment", "name": _("Segments")},
        {"section": "campaigns", "url": "admin:studio-campaigns", "icon": "campaign", "name": _("Campaigns")},
        {"section": "tests", "url": "admin:studio-tests", "icon": "experiment", "name": _("Tests")},
        {"section": "offers", "url": "admin:offers_offer_changelist", "icon": "offer", "name": _("Offers")},
        {"section": "accounts", "url": "admin:profiles_account_changelist", "icon": "contact", "name": _("Accounts")},
    ]


def set_up_navigation() -> list[dict[str, str]]:
    return [
        {"section": "sources", "url": "admin:intake_source_changelist", "icon": "source", "name": _("Sources")},
        {"section": "crm", "url": "admin:crm_crmconnection_changelist", "icon": "refresh", "name": _("CRM")},
        {"section": "data", "url": "admin:data", "icon": "settings", "name": _("All data")},
    ]


def environment_badge() -> str:
    """Words for the top bar where messages do not reach real people; empty where they do."""
    if not registry.get("email").is_live:
        return _("Outbox only: nothing leaves this machine")
    if "//127.0.0.1" in settings.SENDGRID_API_BASE:
        return _("Sandbox: nothing leaves this machine")
    return ""
