from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from campaigns.delivery import objections
from campaigns.sequences import withdrawn


class SequencesConfig(AppConfig):
    name = "campaigns.sequences"
    label = "sequences"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        objections.register(withdrawn.find)
