from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "campaigns.billing"
    label = "billing"
