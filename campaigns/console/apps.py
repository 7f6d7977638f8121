from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class ConsoleConfig(AppConfig):
    name = "campaigns.console"
    label = "console"
    verbose_name = _("Studio")


class CrescendoAdminConfig(AdminConfig):
    """The admin site with the marketers' pages in it."""

    default_site = "campaigns.console.site.CrescendoAdminSite"
