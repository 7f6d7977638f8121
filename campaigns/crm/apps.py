from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "campaigns.crm"
    label = "crm"
    verbose_name = _("CRM")
