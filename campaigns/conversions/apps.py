from __future__ import annotations

from django.apps import AppConfig


class ConversionsConfig(AppConfig):
    name = "campaigns.conversions"
    label = "conversions"
