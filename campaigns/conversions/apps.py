from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversionsConfig(AppConfig):
    name = "campaigns.conversions"
    label = "conversions"
    verbose_name = _("Conversions")
