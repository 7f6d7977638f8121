from __future__ import annotations

from django.apps import AppConfig

from orchestrator import checks


class CliConfig(AppConfig):
    name = "campaigns.cli"
    label = "cli"

    def ready(self) -> None:
        checks.register_checks()
