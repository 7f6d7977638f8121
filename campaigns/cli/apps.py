from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from orchestrator import checks


class CliConfig(AppConfig):
    name = "campaigns.cli"
    label = "cli"
    verbose_name = _("Commands")

    def ready(self) -> None:
        checks.register_checks()
