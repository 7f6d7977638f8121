from __future__ import annotations

from django.apps import AppConfig


class OffersConfig(AppConfig):
    name = "campaigns.offers"
    label = "offers"
