from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AppConfig):
    name = "campaigns.console"
    label = "console"


class CrescendoAdminConfig(AdminConfig):
    """The admin site with the marketers' pages in it."""

    default_site = "campaigns.console.site.CrescendoAdminSite"
